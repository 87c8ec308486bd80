import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from miniature import Checkout

from embedded.ports import choose_free


@pytest.fixture
def checkout() -> Iterator[Checkout]:
    # Not tmp_path: pytest makes that one 700 all the way up, and PostgreSQL's user has to pass through as root.
    root = Path(tempfile.mkdtemp(prefix="millrace-test-"))
    checkout = Checkout(root)
    yield checkout
    checkout.end()
    shutil.rmtree(root)


@pytest.fixture
def stack_ports() -> dict[str, str]:
    """Ports that nobody uses, so that a developer's own stack does not matter."""
    ports = choose_free()
    return {
        f"{name.upper()}_PORT": str(getattr(ports, name))
        for name in ("api", "realtime", "upstream", "postgres", "redis")
    }
