"""The demo's fault that only a supervisor can cause: a realtime process is killed. For the console of the demo only.

A Unix socket in the data directory, the owner's alone. A line of JSON in (`{"fault": "kill-realtime"}`), a line out:
`{"said": "..."}`, or `{"error": "..."}` where nothing was done.
"""

import asyncio
import contextlib
import json
import os
import random
import signal
from pathlib import Path
from typing import Any

from devstack.output import Output
from devstack.process import Service

# A Unix socket's path may have no more bytes than this, on the system that allows the fewest.
_LONGEST_PATH = 103


class Faults:
    """Serves requests until `close`; `services` are those that run when one comes."""

    def __init__(self, path: Path, out: Output) -> None:
        self.path = path
        self.services: list[Service] = []
        self._out = out
        self._server: asyncio.Server | None = None

    async def open(self) -> bool:
        """Listen; False where the path is too long for a socket, and there are no faults then."""
        if len(os.fsencode(self.path)) > _LONGEST_PATH:
            self._out.warn(f"the console cannot kill processes: {self.path} is too long for a socket")
            return False
        self.path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._answer, self.path)
        self.path.chmod(0o600)
        return True

    def close(self) -> None:
        """No more of it."""
        if self._server is not None:
            self._server.close()
            self.path.unlink(missing_ok=True)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(2):
                asked = json.loads(await reader.readline())
            answer = self._cause(asked)
        except (ValueError, AttributeError, TimeoutError) as error:
            answer = {"error": f"not understood: {error}"}
        with contextlib.suppress(OSError):
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
        writer.close()

    def _cause(self, asked: dict[str, Any]) -> dict[str, str]:
        if asked.get("fault") != "kill-realtime":
            return {"error": "there is no such fault"}
        return self._kill_realtime()

    def _kill_realtime(self) -> dict[str, str]:
        alive = [service for service in self.services if service.program.name.startswith("realtime") and service.pid]
        if len(alive) < 2:
            return {"error": "a realtime process is down already"}
        victim = random.choice(alive)  # noqa: S311 - no secret
        pid = victim.pid
        assert pid is not None  # noqa: S101 - of those that are alive
        os.kill(pid, signal.SIGKILL)
        self._out.warn(f"the console killed {victim.program.name} (pid {pid})")
        return {"said": f"{victim.program.name} (pid {pid}) was killed"}
