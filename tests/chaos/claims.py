"""What is said of the long outages, beside what was measured.

Reported, not judged: figures depend on the machine. `STRICT=1` makes them part of the verdict.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.chaos.history import Event
from tests.chaos.logs import sends_of
from tests.chaos.measures import Window, echoes, figures


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence about one window, what was measured, and whether it holds."""

    scenario: str
    sentence: str
    measured: str
    holds: bool


def claims(events: Sequence[Event], windows: Sequence[Window]) -> list[Claim]:
    """Those of every scenario that ran by itself."""
    return [make(events, window) for window in windows for make in _OF.get(window.label, ())]


def _all_acked(events: Sequence[Event], window: Window) -> Claim:
    seen = figures(events, window.start, window.stop)
    measured = f"{seen.acked} of {seen.sends} ({seen.acked_share:.1%})"
    return Claim(window.label, "100 % of sends are acknowledged", measured, seen.acked == seen.sends > 0)


def _delivered_by_polling(events: Sequence[Event], window: Window) -> Claim:
    seen = figures(events, window.start, window.stop).delivered
    p99 = seen.at(0.99)
    measured = "no delivery" if p99 is None else f"{p99:.3f} s of {len(seen.values)}"
    return Claim(window.label, "delivery p99 is under 1.5 s", measured, p99 is not None and p99 < 1.5)


def _no_ack(events: Sequence[Event], window: Window) -> Claim:
    # What was committed in the last moment may be acknowledged in the next.
    acks = sum(event.kind == "ack" and window.start + 0.5 < event.t < window.stop for event in events)
    return Claim(window.label, "nothing is acknowledged", f"{acks} acknowledgements", acks == 0)


def _no_close(events: Sequence[Event], window: Window) -> Claim:
    closed = sum(event.kind == "close" and window.start < event.t < window.stop for event in events)
    return Claim(window.label, "no socket or stream is closed", f"{closed} closed", closed == 0)


def _flows_after(events: Sequence[Event], window: Window) -> Claim:
    given_up = {event.id for event in events if event.kind == "given_up"}
    kept = [send for send in sends_of(events).values() if window.start < send.sent < window.stop]
    kept = [send for send in kept if send.id not in given_up]
    late = [send.acked - window.healed for send in kept if send.acked is not None]
    missing = len(kept) - len(late)
    measured = f"{len(late)} of {len(kept)}, the last one {max(late, default=0.0):.1f} s after healing"
    return Claim(window.label, "all that was not given up is acknowledged afterwards", measured, missing == 0)


def _others_echo(events: Sequence[Event], window: Window) -> Claim:
    locked = next((word for word in window.done[0].split() if word.startswith("chaos_")), "")
    seen = echoes(events, window.start, window.stop, but=locked)
    p99 = seen.at(0.99)
    measured = "no echo" if p99 is None else f"{p99 * 1000:.0f} ms of {len(seen.values)}"
    return Claim(window.label, "the other rooms' echo p99 is under 50 ms", measured, p99 is not None and p99 < 0.05)


_OF: dict[str, tuple[Callable[[Sequence[Event], Window], Claim], ...]] = {
    "redis-dead": (_all_acked, _delivered_by_polling),
    "redis-frozen": (_all_acked, _delivered_by_polling),
    "postgres-dead": (_no_ack, _no_close, _flows_after),
    "row-locked": (_others_echo,),
}
