"""pytest plugin: `.venv/bin/pytest path/to/test_x.py` works with no variable set.

It looks at the paths on the command line, chooses Django's settings module, and starts what these tests need:
PostgreSQL and Valkey, or the complete stack. Variables that are set already win. Each worker of pytest-xdist has
its own servers, because PUBLISH reaches every database of a Valkey. Loaded by `addopts` in pyproject.toml.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import hypothesis
import pytest

from devstack.lending import Lender
from devstack.output import StackError
from devstack.services import ROOT

# The first folder that holds a test decides; what is in none of these needs nothing.
_SETTINGS = {
    "libs": "api.settings",
    "services/api/tests": "api.settings",
    "services/realtime/tests": "realtime.settings",
}
_OF_A_STACK = ("tests/e2e", "tests/browser", "tests/docs")
# What pytest-xdist's controller imports connects to nothing: its workers run the tests.
_NOTHING = {
    "SECRET_KEY": "unused",
    "DATABASE_URL": "postgresql://127.0.0.1/none",
    "REDIS_URL": "redis://127.0.0.1/0",
}
_lenders: list[Lender] = []


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Iterator[None]:
    """Before pytest-django imports the settings, which read the environment."""
    # The processes that tests start would compile all that they import, each anew.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    options = early_config.known_args_namespace
    paths = [_relative(word, early_config) for word in options.file_or_dir]
    settings = {module for path in paths for folder, module in _SETTINGS.items() if _is_in(path, folder)}
    if len(settings) > 1:
        raise pytest.UsageError("the tests of api and realtime have different settings: run one after the other")
    if settings:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", *settings)
        _give_databases(distributed=bool(getattr(options, "numprocesses", None)))
    if "API_URL" not in os.environ and any(_is_in(path, folder) for path in paths for folder in _OF_A_STACK):
        _start("stack")
    return (yield)


def pytest_configure() -> None:
    """Lets an example of Hypothesis take as long as the machine needs; pytest-timeout bounds the whole test."""
    slow = hypothesis.HealthCheck.too_slow
    usual = hypothesis.settings.default
    hypothesis.settings.register_profile(
        "any-machine", usual, deadline=None, suppress_health_check=[slow], print_blob=True
    )
    hypothesis.settings.load_profile("any-machine")


def pytest_unconfigure() -> None:
    """Stops what was started."""
    while _lenders:
        _lenders.pop().close()


def _give_databases(*, distributed: bool) -> None:
    is_worker = "PYTEST_XDIST_WORKER" in os.environ
    if distributed and not is_worker:
        os.environ.update(_NOTHING)
    elif is_worker or "DATABASE_URL" not in os.environ:
        _start("exec")


def _start(what: Literal["exec", "stack"]) -> None:
    lender = Lender(what)
    _lenders.append(lender)
    try:
        os.environ.update(lender.wait())
    except StackError as error:
        raise pytest.UsageError("\n".join([*error.detail, str(error)])) from error


def _relative(word: str, config: pytest.Config) -> str:
    """The path of `path/to/test_x.py::test_y` from the project's root; an absolute one if it is elsewhere."""
    path = (config.invocation_params.dir / word.partition("::")[0]).resolve()
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


def _is_in(path: str, folder: str) -> bool:
    return Path(path).is_relative_to(folder)
