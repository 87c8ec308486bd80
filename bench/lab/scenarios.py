"""All scenarios, in the order of docs/gather.md."""

from bench.lab.scenario import HEALTHY, LATENCY, Scenario, Variant, at_orders, everywhere

ORDERS = ("orders",)
EVERYTHING = (
    "deadline", "timeout", "bulkhead", "retry", "budget", "breaker", "hedge", "single_flight", "fresh", "stale",
)  # fmt: skip
# What answers without asking would hide what the rest does.
SHARED = ("single_flight", "fresh")
COPIES = (*SHARED, "stale")

ALL = Variant("all on", (), "ours")
NOTHING = Variant("nothing", EVERYTHING, "limit")


def but(name: str, *more: str, base: tuple[str, ...] = COPIES) -> Variant:
    """`base` is left out, and `more` of it."""
    return Variant(name, (*base, *more))


ASKS = but("asks every time")
SERVES_STALE = but("asks every time, or stale", base=SHARED)

SCENARIOS = (
    Scenario(
        name="healthy",
        title="All is well",
        about="Answers take 20 ms in the median, log-normal: one of 100 takes more than 60 ms.",
        timeline=[(0, HEALTHY)],
        variants=[ALL, ASKS, NOTHING],
        seconds=30,
    ),
    Scenario(
        name="tail",
        title="A slow tail",
        about="1 % of the answers of each upstream take 1 s: of three legs one is slow in 3 % of the gathers.",
        timeline=[(0, everywhere(latency={**LATENCY, "kind": "lognormal_tail", "tail_rate": 0.01, "tail_ms": 1000}))],
        variants=[ALL, ASKS, but("without hedge", "hedge"), NOTHING],
        seconds=30,
    ),
    Scenario(
        name="errors",
        title="Passing errors",
        about="3 % of the answers of each upstream are 503.",
        timeline=[(0, everywhere(error_rate=0.03))],
        variants=[ALL, ASKS, but("without retry", "retry"), NOTHING],
        seconds=15,
    ),
    Scenario(
        name="reset",
        title="Connections that break",
        about="3 % of the requests to each upstream are answered with a TCP reset.",
        timeline=[(0, everywhere(reset_rate=0.03))],
        variants=[ALL, ASKS, but("without retry", "retry")],
        seconds=15,
    ),
    Scenario(
        name="outage",
        title="An upstream is down for 30 s",
        about="Orders work for 5 s, are 503 for 30 s, and work again for 10 s. The load is that of the orders alone.",
        timeline=[(0, HEALTHY), (5, at_orders(error_rate=1)), (35, HEALTHY)],
        variants=[
            ALL,
            SERVES_STALE,
            but("without breaker", "breaker", base=SHARED),
            but("without breaker, budget", "breaker", "budget", base=SHARED),
            NOTHING,
        ],
        load_of=ORDERS,
        seconds=45,
    ),
    Scenario(
        name="hang",
        title="An upstream hangs",
        about="Orders never answer. Nothing bounds a leg without `timeout` and `deadline` but a last resort of 10 s.",
        timeline=[(0, at_orders(hang_rate=1))],
        variants=[
            ALL,
            SERVES_STALE,
            but("without stale"),
            but("without stale, breaker", "breaker"),
            but("without stale, breaker, timeout", "breaker", "timeout"),
            NOTHING,
        ],
        load_of=ORDERS,
        seconds=12,
    ),
    Scenario(
        name="drip",
        title="An upstream drips",
        about="Orders come at 200 bytes a second: each read succeeds, and an answer takes seconds.",
        timeline=[(0, at_orders(drip={"bytes_per_second": 200}))],
        variants=[
            ALL,
            but("without stale"),
            but("without stale, breaker", "breaker"),
            but("without stale, breaker, timeout, deadline", "breaker", "timeout", "deadline"),
        ],
        load_of=ORDERS,
        seconds=12,
    ),
    Scenario(
        name="flapping",
        title="An upstream flaps",
        about="Orders work for 2 s, are 503 for 2 s, and so on.",
        timeline=[(0, at_orders(flapping={"up_ms": 2000, "down_ms": 2000}))],
        variants=[
            ALL,
            SERVES_STALE,
            but("without stale"),
            but("without stale, breaker", "breaker"),
        ],
        load_of=ORDERS,
        seconds=16,
    ),
    Scenario(
        name="slow-start",
        title="A slow start",
        about="All three were restarted: answers take 2 s longer at first, and less and less over 8 s.",
        timeline=[(0, everywhere(slow_start={"ms": 2000, "for_ms": 8000}))],
        variants=[
            ALL,
            but("without stale"),
            but("without stale, breaker", "breaker"),
            NOTHING,
        ],
        seconds=12,
    ),
    Scenario(
        name="herd",
        title="A herd",
        about="""1,000 identical requests at once, upstreams that take 300 ms. Hedging is off: the api itself takes long
here, and a second request would not help that.""",
        timeline=[(0, everywhere(latency={"kind": "fixed", "ms": 300}))],
        variants=[
            Variant("all on", ("hedge",), "ours"),
            but("without single_flight, fresh", base=(*SHARED, "hedge")),
            but("without single_flight, fresh, bulkhead", "bulkhead", base=(*SHARED, "hedge")),
        ],
        herd=1000,
        keys=1,
        # A thousand requests take this machine longer than a request should in production.
        env={"GATHER_DEADLINE_MS": "5000", "GATHER_LEG_TIMEOUT_MS": "4500"},
    ),
)
