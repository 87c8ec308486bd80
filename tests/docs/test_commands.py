"""Every command that the documentation tells people to type, run against a running stack.

Black box like `tests/e2e`, and by the same variables: `API_URL`, `REALTIME_URL`, `UPSTREAM_URL`. The `sh` blocks of one
page are run in one shell from top to bottom, as a reader would; so are the commands in its tables. A command fails its
page where it exits with an error or gets an HTTP error that it is not there to show.
"""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "docs/tour.md", "docs/gather.md")
USUAL = {
    "http://127.0.0.1:8000": os.environ.get("API_URL", ""),
    "ws://127.0.0.1:8001": os.environ.get("REALTIME_URL", ""),
    "http://127.0.0.1:8002": os.environ.get("UPSTREAM_URL", ""),
}
# Not run here, each for a reason: a block with any of these in it is left out.
ELSEWHERE = (
    "make run",  # starts a stack of its own: deploy/tests and scripts/e2e do
    "make status",  # belongs to `make run`
    ".venv/bin/pytest ",  # tests that `make test` runs
    "own ",  # measures, on its own databases
    "-m websockets",  # waits for somebody to type; tests/e2e chats
)
# What curl adds here: a deadline, and an error for a status that is one, unless the command is there to show it.
SHELL = r"""
set -u -o pipefail
curl() {
    case "$*" in
        *robust/\?fail=*) command curl --max-time 30 "$@" ;;
        *) command curl --max-time 30 --fail-with-body "$@" ;;
    esac
}
"""


def commands_of(page: str) -> list[str]:
    """The shell blocks of a page and the commands in its tables, in order."""
    text = (ROOT / page).read_text()
    found: list[str] = []
    for match in re.finditer(r"^```sh\n(.*?)^```$|^\|[^\n]*$", text, re.MULTILINE | re.DOTALL):
        if block := match.group(1):
            found.append(block.strip())
        else:
            found += re.findall(r"`((?:curl|as_ada) [^`]+)`", match.group(0))
    return [command for command in found if not any(word in command for word in ELSEWHERE)]


def rewritten(command: str) -> str:
    """`command` with the addresses of the stack under test in place of the usual ones."""
    for usual, actual in USUAL.items():
        command = command.replace(usual, actual.rstrip("/") or usual)
    # A stream never ends by itself: here it is cut after a while, which is curl's status 28.
    return re.sub(r"^((?:curl|as_ada) .*-N .*)$", r"\1 --max-time 3 || test $? -eq 28", command, flags=re.MULTILINE)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.timeout(300)
def test_commands(page: str) -> None:
    """Each command of the page succeeds."""
    commands = commands_of(page)
    assert commands
    script = [SHELL]
    for number, command in enumerate(commands):
        # The exit code names the command that failed.
        script.append(f"{rewritten(command)}\n[ $? -eq 0 ] || exit {number + 100}")
    ran = subprocess.run(
        ["/usr/bin/env", "bash", "-c", "\n".join(script)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if ran.returncode >= 100:
        failed = commands[ran.returncode - 100]
        pytest.fail(f"{page}: this failed:\n{failed}\n--- output\n{ran.stdout[-2000:]}\n{ran.stderr[-2000:]}")
    assert ran.returncode == 0, ran.stderr[-2000:]
