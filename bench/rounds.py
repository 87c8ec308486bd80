"""Interleaved turns: whatever the machine does meanwhile, it does to everybody."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from bench.contestant import Contestant, Server
from bench.cores import Cores
from bench.errors import BenchError

# What one turn measured: by table (an operation, a size), then by metric.
type Measured = Mapping[str, Mapping[str, float]]
type Turn = Callable[[Server], Awaitable[Measured]]


class Samples:
    """Every value of every turn, by table, contestant and metric."""

    def __init__(self) -> None:
        self.values: dict[str, dict[str, dict[str, list[float]]]] = {}

    def add(self, contestant: str, measured: Measured) -> None:
        """Append what one turn measured."""
        for table, metrics in measured.items():
            row = self.values.setdefault(table, {}).setdefault(contestant, {})
            for metric, value in metrics.items():
                row.setdefault(metric, []).append(value)


def abba[T](contestants: Sequence[T]) -> list[T]:
    """Forward, then backward: a drift that is linear in time hits all of them alike."""
    return [*contestants, *reversed(contestants)]


async def interleave(
    contestants: Sequence[Contestant],
    turn: Turn,
    *,
    rounds: int,
    cores: Cores,
    say: Callable[[str], None] = lambda words: None,
    extra: Mapping[str, str] | None = None,
) -> Samples:
    """Each contestant's turn, twice a round, one at a time.

    All are started at the beginning of a round (so that each round has other processes, with another layout of memory)
    and stopped by SIGSTOP whenever it is not their turn. `turn` gets the running server and returns what it measured;
    what it raises ends the run.
    """
    samples = Samples()
    for number in range(1, rounds + 1):
        servers: list[Server] = []
        try:
            starting = (_ready(contestant, cores.server, extra, servers) for contestant in contestants)
            # Not a task group: whoever reads the error should see which contestant did not start.
            outcomes = await asyncio.gather(*starting, return_exceptions=True)
            if error := next((outcome for outcome in outcomes if outcome is not None), None):
                raise error
            servers.sort(key=lambda server: contestants.index(server.contestant))
            for server in abba(servers):
                server.resume()
                samples.add(server.contestant.name, await _measured(server, turn))
                server.check()
                await server.pause()
            say(f"round {number} of {rounds}")
        finally:
            await asyncio.gather(*(server.stop() for server in servers))
    return samples


async def _measured(server: Server, turn: Turn) -> Measured:
    try:
        return await turn(server)
    except BenchError as error:
        raise type(error)(f"{server.contestant.name}: {error}") from error


async def _ready(contestant: Contestant, core: int, extra: Mapping[str, str] | None, servers: list[Server]) -> None:
    server = await Server.start(contestant, core, extra)
    servers.append(server)
    await server.pause()
