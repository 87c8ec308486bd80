"""The suites: which command each is, what it needs, and which of them share a stack."""

import os
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from shutil import which

from devstack.services import ROOT

# Most of a test's time is waiting, so there may be more workers than cores; but each one starts its own servers.
WORKERS = str(max(3, os.cpu_count() or 1))
_PYTEST = (".venv/bin/python", "-m", "pytest")
# Measuring coverage takes half as much CPU time again, so it is for CI, and for COVERAGE=1.
COVERED = os.environ.get("COVERAGE", os.environ.get("CI", "")) not in {"", "0", "false"}
_UNIT = (".venv/bin/python", "-m", "coverage", "run", *_PYTEST[1:]) if COVERED else _PYTEST
_OWN_SERVERS = ("env", "PYTHONPATH=devstack", ".venv/bin/python", "-m", "devstack", "exec", "--")
_OWN_STACK = (*_OWN_SERVERS[:5], "stack", "--")
_PARALLEL = ("-n", WORKERS)
_LIBS = tuple(str(path.relative_to(ROOT)) for path in sorted(ROOT.glob("libs/*/tests")))


def _no_chromium() -> str:
    found = subprocess.run([ROOT / "scripts/find-chromium"], stdout=subprocess.DEVNULL, check=False).returncode == 0
    return "" if found else "no Chromium here: `make browser` installs one"


def _no_curl() -> str:
    return "" if which("curl") and which("bash") else "the documented commands need curl and bash"


@dataclass(frozen=True, slots=True)
class Suite:
    """`after` names the suites whose results it reads. `missing` returns why it cannot run here, or an empty string."""

    name: str
    title: str
    command: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    after: tuple[str, ...] = ()
    missing: Callable[[], str] = str


@dataclass(frozen=True, slots=True)
class Lane:
    """Suites that run one after the other. With `stack` they share one complete stack."""

    suites: tuple[Suite, ...]
    stack: bool = False


UNIT = (
    Suite("libs", "libs and api", (*_UNIT, *_PARALLEL, *_LIBS, "services/api/tests"), {"VALIDATE_RESPONSES": "1"}),
    Suite("realtime", "realtime", (*_UNIT, *_PARALLEL, "services/realtime/tests"), {"VALIDATE_RESPONSES": "1"}),
    Suite("mock-upstream", "mock-upstream", (*_UNIT, "services/mock-upstream/tests")),
)
COVERAGE = Suite("coverage", "coverage", ("scripts/coverage",), after=tuple(suite.name for suite in UNIT))
LINT = Suite("lint", "lint", (*_OWN_SERVERS, "scripts/lint"))
TYPES = Suite("types", "types", ("scripts/types",))
RUNNER = Suite(
    "runner", "the runner and the scripts", (*_PYTEST, "-n", "2", "devstack/tests", "scripts/tests", "deploy/tests")
)
MANIFESTS = Suite("manifests", "the manifests of Kubernetes", (*_PYTEST, "tests/manifests"))
SNAPSHOTS = Suite("snapshots", "the snapshots of what users depend on", (*_PYTEST, "tests/snapshots"))
CHECKER = Suite("checker", "the chaos suite's checker", (*_PYTEST, "tests/chaos/tests"))
BENCH = Suite("bench", "the benchmark's own accounting", (*_PYTEST, "bench/tests"))
END_TO_END = (
    Suite("e2e", "end to end", ("scripts/e2e",)),
    Suite("browser", "in a browser", ("scripts/e2e-browser",), missing=_no_chromium),
    Suite("docs", "documentation", (*_PYTEST, "tests/docs"), missing=_no_curl),
)
SMOKE = tuple(
    Suite(
        f"smoke-{server}", f"smoke, api under {server}", (*_OWN_STACK, "scripts/e2e", "-m", "smoke"), {"SERVER": server}
    )
    for server in ("daphne", "hypercorn")
)

# Started in this order as soon as a place is free: the longest first, so that none is left to run alone at the end.
LANES = (
    Lane(END_TO_END, stack=True),
    Lane((UNIT[0],)),
    Lane((TYPES, LINT)),
    Lane((UNIT[1],)),
    Lane((RUNNER,)),
    Lane((MANIFESTS, SNAPSHOTS, CHECKER, BENCH)),
    Lane((UNIT[2],)),
    Lane(SMOKE),
    *((Lane((COVERAGE,)),) if COVERED else ()),
)


def check(tests: Sequence[str]) -> tuple[Lane, ...]:
    """`make check`: what takes seconds, and these tests, which are grouped by what a process of pytest can hold."""
    of_realtime = tuple(path for path in tests if path.startswith("services/realtime/"))
    of_libs = tuple(path for path in tests if path.startswith(("libs/", "services/api/")))
    others = tuple(path for path in tests if path not in {*of_realtime, *of_libs})
    quick = ("-m", "not slow")
    units = (
        Suite("libs", "tests of libs and api", (*_PYTEST, *_PARALLEL, *quick, *of_libs)),
        Suite("realtime", "tests of realtime", (*_PYTEST, *_PARALLEL, *quick, *of_realtime)),
        Suite("others", "other tests", (*_PYTEST, *quick, *others)),
    )
    chosen = (unit for unit, paths in zip(units, (of_libs, of_realtime, others), strict=True) if paths)
    return (Lane((TYPES,)), Lane((LINT,)), *(Lane((unit,)) for unit in chosen))
