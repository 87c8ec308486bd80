"""Runs Django's own tests of its ASGI handler against ours: `make django-tests`.

Usage: `python __main__.py <the tests folder of Django's source archive>`. Exits with 0 if exactly those tests fail that
`DIFFERENCES` names; each of them has its reason in `async_handler.handler`.
"""

import re
import runpy
import subprocess
import sys
from pathlib import Path

import django.core.asgi
import django.core.handlers.asgi

from async_handler import AsyncHandler

APPS = ("asgi", "handlers")
DIFFERENCES = {
    "asgi.tests.ASGITest.test_disconnect_with_body": (
        "The client goes within 50 ms, before anybody looks: the view runs to its end, and the server drops the answer."
    ),
    "asgi.tests.ASGITest.test_assert_in_listen_for_disconnect": (
        "A message that is neither body nor disconnect is read past; it does not fail the request."
    ),
    "asgi.tests.ASGITest.test_read_body_thread": "No body is written to a file, so none is written by a thread.",
    "asgi.tests.MaxMemorySizeASGITests.test_read_body_buffers_all_chunks": (
        "Reading stops at the cap instead of keeping all of what will be refused."
    ),
    "asgi.tests.MaxMemorySizeASGITests.test_read_body_multipart_not_limited": (
        "The cap is for every body: uploads of any size need a disk, and these services have none."
    ),
}
_FAILED = re.compile(r"^(?:FAIL|ERROR): \S+ \((\S+?)\)", re.MULTILINE)
_RAN = re.compile(r"^Ran (\d+) tests", re.MULTILINE)


def run_suite() -> None:
    """In the process that runs them: put our handler in the place of Django's, before the tests import it."""
    for module in (django.core.asgi, django.core.handlers.asgi):
        vars(module)["ASGIHandler"] = AsyncHandler
    sys.path.insert(0, "")
    sys.argv = ["runtests.py", "--parallel", "1", *APPS]
    runpy.run_path("runtests.py", run_name="__main__")


def compare(tests: Path) -> int:
    """Run the suite in a process of its own, and say what differs from what is expected."""
    command = [sys.executable, str(Path(__file__).resolve()), "--in-process"]
    output = subprocess.run(command, cwd=tests, capture_output=True, text=True, check=False).stderr
    ran = _RAN.search(output)
    failed = set(_FAILED.findall(output))
    unexpected, mended = failed - DIFFERENCES.keys(), DIFFERENCES.keys() - failed
    if ran is None or unexpected or mended:
        sys.stderr.write(output)
        for name in sorted(unexpected):
            sys.stderr.write(f"django-tests: fails: {name}\n")
        for name in sorted(mended):
            sys.stderr.write(f"django-tests: passes, and is listed as a difference: {name}\n")
        return 1
    count = int(ran[1])
    sys.stdout.write(f"{count - len(failed)} passed, 0 failed\n")
    sys.stdout.write(f"django-tests: {len(failed)} of Django's {count} tests differ on purpose:\n")
    for name, reason in DIFFERENCES.items():
        sys.stdout.write(f"  {name.rpartition('.')[2]}: {reason}\n")
    return 0


if __name__ == "__main__":
    if sys.argv[1] == "--in-process":
        run_suite()
    else:
        sys.exit(compare(Path(sys.argv[1])))
