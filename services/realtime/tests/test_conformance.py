"""The server keeps to RFC 6455: Autobahn's conformance cases, which kosoku runs against our server.

Frames, pings and pongs, reserved bits and opcodes, fragments, UTF-8, the closing handshake, limits up to 16 MiB. The
cases of groups 12 and 13 are about compression, which is off here; they say that it is not implemented.
"""

import asyncio
import json
import sys
from pathlib import Path

import pytest

from .echo import MAX_BYTES
from .processes import running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

ECHO = Path(__file__).with_name("echo.py")
KOSOKU = Path(sys.executable).with_name("kosoku")
COMPRESSION = ("12.", "13.")
CASES, COMPRESSION_CASES = 301, 216
# Cases at a time, so that the two processes do not wait for each other.
AT_ONCE = 4
# kosoku waits for a close for a fixed time. What failed since the machine stalled is tried so often again, by itself.
AGAIN = 5
# NON-STRICT is what the cases call a connection that is failed before the message ahead of the bad frame is answered;
# INFORMATIONAL where the standard leaves open what to do.
PASSED = {"OK", "NON-STRICT", "INFORMATIONAL"}


def verdicts(report: Path) -> dict[str, tuple[str, str]]:
    """By case: what it says of the messages, and of the closing handshake."""
    (cases,) = json.loads((report / "index.json").read_text()).values()
    return {name: (case["behavior"], case["behaviorClose"]) for name, case in cases.items()}


async def kosoku(port: int, report: Path, *options: str) -> dict[str, tuple[str, str]]:
    """The verdicts of a run. In another process: it replaces modules that the server uses, autobahn's among them."""
    command = (str(KOSOKU), f"127.0.0.1:{port}", "-o", str(report), *options)
    cases = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.DEVNULL)
    await cases.wait()
    return verdicts(report)


def failed(cases: dict[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
    """Those that are about something that the server does, and did not pass."""
    return {name: case for name, case in cases.items() if not set(case) <= PASSED and not name.startswith(COMPRESSION)}


@pytest.mark.usefixtures("_test_database")
async def test_autobahn_cases(tmp_path: Path) -> None:
    """None of them fails."""
    async with running(None, (str(ECHO),), OUTBOUND_LIMIT=str(2 * MAX_BYTES)) as server:
        said = await kosoku(server.port, tmp_path / "all", "-p", str(AT_ONCE))
        for turn in range(AGAIN):
            if again := failed(said):
                chosen = [word for name in again for word in ("-i", name)]
                said |= await kosoku(server.port, tmp_path / str(turn), *chosen)
    assert failed(said) == {}
    compression = {name: case for name, case in said.items() if name.startswith(COMPRESSION)}
    others = said.keys() - compression.keys()
    assert {behavior for behavior, _ in compression.values()} == {"UNIMPLEMENTED"}
    assert (len(others), len(compression)) == (CASES, COMPRESSION_CASES)
    assert "Traceback" not in server.text
