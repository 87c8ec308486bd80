import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_stack import Checkout, Stack, free_ports


@contextlib.contextmanager
def _checked_out() -> Iterator[Checkout]:
    # Not tmp_path: pytest makes that one 700 all the way up, and PostgreSQL's user has to pass through as root.
    root = Path(tempfile.mkdtemp(prefix="millrace-test-"))
    checkout = Checkout(root)
    yield checkout
    checkout.end()
    shutil.rmtree(root)


@pytest.fixture
def checkout() -> Iterator[Checkout]:
    """A checkout of the test's own, in which nothing runs."""
    with _checked_out() as checkout:
        yield checkout


@pytest.fixture
def stack_ports() -> dict[str, str]:
    """Ports that are free, so that a developer's own stack does not matter."""
    return free_ports()


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """A stack that runs, for the tests that leave one running."""
    with _checked_out() as checkout:
        ports = free_ports()
        runner = checkout.start("run", **ports)
        checkout.running(runner)
        yield Stack(checkout, runner, ports)
