"""A contestant's turn over HTTP: cost in a closed loop, then latency at a fixed arrival rate."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bench.contestant import Server
from bench.cpu import Tree
from bench.figures import percentile
from bench.load.drive import Check, closed_loop, open_loop
from bench.load.wire import Request
from bench.results import KEPT_UP, Metric
from bench.workload import Plan

WIRES = 16
_WARM_UP_SECONDS = 0.3

CPU = Metric("cpu_us", "server CPU, us a request", 0)
RATE = Metric("rps", "requests/s", 0)
P50 = Metric("p50_ms", "p50, ms", 2)
P99 = Metric("p99_ms", "p99, ms", 2)
METRICS = (CPU, RATE, P50, P99)


@dataclass(frozen=True, slots=True)
class Operation:
    """One kind of request; `table` is where its figures go.

    `rate` is of the open loop, requests a second. `before` is called before each measurement, to start from the same
    data.
    """

    table: str
    requests: Callable[[], Iterator[Request]]
    check: Check
    rate: float
    wires: int = WIRES
    before: Callable[[], None] = field(default=lambda: None)


async def measure(
    server: Server, operations: Sequence[Operation], plan: Plan, others: Mapping[str, Tree] | None = None
) -> dict[str, dict[str, float]]:
    """All operations, one after the other; of `others` (the databases) the CPU is measured beside the server's.

    A short run compares ratios of CPU, and leaves out the latencies.
    """
    measured = {}
    for operation in operations:
        operation.before()
        requests = operation.requests()
        await closed_loop(
            server.port, requests, operation.check, wires=operation.wires, seconds=min(_WARM_UP_SECONDS, plan.seconds)
        )
        metrics = await _cost(server, operation, requests, plan, others or {})
        if not plan.short:
            metrics |= await _latency(server, operation, requests, plan)
        measured[operation.table] = metrics
    return measured


async def _cost(
    server: Server, operation: Operation, requests: Iterator[Request], plan: Plan, others: Mapping[str, Tree]
) -> dict[str, float]:
    trees = {"": server.tree, **{f"{name}_": tree for name, tree in others.items()}}
    before = {name: tree.cpu_seconds() for name, tree in trees.items()}
    answers = await closed_loop(server.port, requests, operation.check, wires=operation.wires, seconds=plan.seconds)
    used = {name: tree.cpu_seconds() - before[name] for name, tree in trees.items()}
    metrics = {f"{name}cpu_us": seconds / answers * 1e6 for name, seconds in used.items()}
    return {**metrics, "rps": answers / plan.seconds}


async def _latency(server: Server, operation: Operation, requests: Iterator[Request], plan: Plan) -> dict[str, float]:
    arrivals = await open_loop(server.port, requests, operation.check, rate=operation.rate, seconds=plan.seconds)
    return {
        "p50_ms": percentile(arrivals.latencies, 0.5) * 1000,
        "p99_ms": percentile(arrivals.latencies, 0.99) * 1000,
        KEPT_UP: float(arrivals.kept_up),
    }
