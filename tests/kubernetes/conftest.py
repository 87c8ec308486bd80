"""Fixtures of the cluster suite: the load, the cluster as it was found, and the table of the run."""

import os
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path

import httpx
import pytest
from tests.kubernetes import report
from tests.kubernetes.cluster import kubectl, unsettled, wait_until_settled
from tests.kubernetes.load import Load, load
from tests.kubernetes.nodes import heal_all
from tests.kubernetes.report import Figures, Row
from tests.kubernetes.stack import API_URL, RATE, SOCKETS, keep_images, succeed

type UnderLoad = Callable[..., AbstractAsyncContextManager[Load]]

_ROWS = pytest.StashKey[list[Row]]()
_FIGURES = pytest.StashKey[Figures]()
_FAILED = pytest.StashKey[bool]()


@pytest.fixture(scope="session", autouse=True)
def stack() -> None:
    """Ends the run with one sentence if the stack is not there."""
    try:
        assert kubectl.run("get", "deployment", "api", within=20).returncode == 0
        assert httpx.get(f"{API_URL}/health/ready", timeout=10).status_code < 500
    except (AssertionError, httpx.HTTPError) as error:
        advice = "`make k8s-up K8S_COMPONENTS=testing` deploys one"
        pytest.exit(f"No stack answers at {API_URL} ({type(error).__name__}): {advice}.", returncode=3)
    keep_images()
    if unsettled():
        repair()


def repair() -> None:
    """The cluster as `make k8s-up` makes it."""
    heal_all()
    kubectl("delete", "namespace", "millrace-suite", "--ignore-not-found", "--timeout=60s", within=70)
    kubectl("delete", "resourcequota,limitrange,secret", "--selector", "suite=1", "--ignore-not-found")
    kubectl("label", "namespace", "millrace", "app.kubernetes.io/part-of=millrace", "--overwrite")
    succeed("up")
    wait_until_settled()


@pytest.fixture(autouse=True)
def restored(request: pytest.FixtureRequest) -> Iterator[None]:
    """Each test finds a healthy cluster and leaves one; a test that failed in the middle is cleaned up after."""
    wait_until_settled()
    yield
    if request.node.stash.get(_FAILED, False):
        repair()
    wait_until_settled()


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Figures:
    """What the test measures, for its row of the table."""
    found = Figures()
    request.node.stash[_FIGURES] = found
    return found


@pytest.fixture
def under_load(tmp_path: Path, figures: Figures) -> UnderLoad:
    """`async with under_load() as load:` requests and sockets go on meanwhile."""
    return partial(load, tmp_path, figures)


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """A client of the gateway."""
    async with httpx.AsyncClient(base_url=API_URL, timeout=20) as found:
        yield found


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Notes the test's row, once, when its result is known."""
    outcome = yield
    if outcome.failed:
        item.stash[_FAILED] = True
    if outcome.when == "call" or (outcome.when == "setup" and not outcome.passed):
        marker = item.get_closest_marker("row")
        name = item.name if marker is None else str(marker.args[0])
        callspec = getattr(item, "callspec", None)
        if callspec is not None:
            name = name.format(**callspec.params)
        row = Row(name, outcome.outcome, outcome.duration, item.stash.get(_FIGURES, Figures()))
        item.config.stash.setdefault(_ROWS, []).append(row)
    return outcome


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Prints the table, and writes it with `DOCS=1`."""
    rows = config.stash.get(_ROWS, [])
    if not rows:
        return
    terminalreporter.section(f"cluster suite: asked for {RATE:g} requests a second and {SOCKETS} sockets")
    for line in report.table(rows):
        terminalreporter.line(line)
    if os.environ.get("DOCS") == "1":
        report.write(rows)
