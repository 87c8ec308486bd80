"""When nothing was wrong: the spans between faults, and by when a message has to have come."""

from bisect import bisect_left
from collections.abc import Sequence

from tests.chaos.history import Event


class Calm:
    """`due(t)`: the end of the first span of calm after `t` that is as long as healing may take."""

    def __init__(self, events: Sequence[Event], heal: float) -> None:
        self._heal = heal
        end = max((event.t for event in events), default=0.0)
        self._spans = [(since, until) for since, until in _spans(events, end) if until - since >= heal]
        self._ends = [until for _, until in self._spans]

    def due(self, t: float) -> float:
        """Infinite where it was never calm for long enough after `t`."""
        for since, until in self._spans[bisect_left(self._ends, t) :]:
            start = max(since, t)
            if until - start >= self._heal:
                return start + self._heal
        return float("inf")


def _spans(events: Sequence[Event], end: float) -> list[tuple[float, float]]:
    """A fault lasts from its start until all is healthy again; several may overlap."""
    spans, since, open_faults = [], 0.0, 0
    for event in events:
        if event.kind == "fault_start":
            if open_faults == 0:
                spans.append((since, event.t))
            open_faults += 1
        elif event.kind == "healed":
            since, open_faults = event.t, 0
    if open_faults == 0:
        spans.append((since, end))
    return spans
