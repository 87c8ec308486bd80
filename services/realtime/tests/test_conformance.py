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
CASES, COMPRESSION_CASES = 301, 216
# Cases at a time, so that the two processes do not wait for each other.
AT_ONCE = 4
# NON-STRICT is what the cases call a connection that is failed before the message ahead of the bad frame is answered;
# INFORMATIONAL where the standard leaves open what to do.
PASSED = {"OK", "NON-STRICT", "INFORMATIONAL"}


def verdicts(report: Path) -> dict[str, tuple[str, str]]:
    """By case: what it says of the messages, and of the closing handshake."""
    (cases,) = json.loads((report / "index.json").read_text()).values()
    return {name: (case["behavior"], case["behaviorClose"]) for name, case in cases.items()}


@pytest.mark.usefixtures("_test_database")
async def test_autobahn_cases(tmp_path: Path) -> None:
    """None of them fails."""
    async with running(None, (str(ECHO),), OUTBOUND_LIMIT=str(2 * MAX_BYTES)) as server:
        # A process of its own: it replaces modules that the server uses, autobahn's among them.
        cases = await asyncio.create_subprocess_exec(
            str(KOSOKU), f"127.0.0.1:{server.port}", "-o", str(tmp_path), "-p", str(AT_ONCE),
            stdout=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        await cases.wait()
    said = verdicts(tmp_path)
    compression = {name: case for name, case in said.items() if name.startswith(("12.", "13."))}
    others = {name: case for name, case in said.items() if name not in compression}
    assert {name: case for name, case in others.items() if not set(case) <= PASSED} == {}
    assert {behavior for behavior, _ in compression.values()} == {"UNIMPLEMENTED"}
    assert (len(others), len(compression)) == (CASES, COMPRESSION_CASES)
    assert "Traceback" not in server.text
