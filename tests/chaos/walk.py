"""One client's log from its first message to its last: is it an ascending row of numbers without a hole?"""

from dataclasses import dataclass, field

from tests.chaos.facts import Finding
from tests.chaos.history import Event
from tests.chaos.logs import Log

# What a connection without `since` begins with: so many of the newest messages.
NEWEST = 50


@dataclass(slots=True)
class Walk:
    """`base`: the number that the log follows. `first`: when each number came for the first time."""

    base: int | None = None
    highest: int = 0
    listened_since: float = float("inf")
    first: dict[int, float] = field(default_factory=dict)
    holes: dict[int, Event] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


def walk(log: Log) -> Walk:
    """Duplicates, disorder and gaps, in one connection and over all of them.

    Later connections have to go on where the log ends, whatever they asked for. The first one starts after its `since`,
    or without one with the newest messages, and `synced` says how many there were.
    """
    walked = Walk()
    synced = {event.conn: event.seq or 0 for event in log.events if event.frame == "synced"}
    for event in log.events:
        if event.kind == "open":
            walked.listened_since = min(walked.listened_since, event.t)
            if walked.base is None:
                walked.base = _start(event, synced)
                walked.highest = walked.base or 0
        elif event.kind == "message" and event.room == log.room and event.seq is not None:
            _step(log, walked, event, event.seq)
    for seq, skipped_by in walked.holes.items():
        text = f"{log.client} never got {log.room}#{seq}: #{skipped_by.seq} came on connection {skipped_by.conn}"
        walked.findings.append(Finding("gap", text, skipped_by.t))
    return walked


def _start(opened: Event, synced: dict[int, int]) -> int | None:
    if opened.since is not None:
        return opened.since
    return max(0, synced[opened.conn] - NEWEST) if opened.conn in synced else None


def _step(log: Log, walked: Walk, event: Event, seq: int) -> None:
    if walked.base is None:
        walked.base = walked.highest = seq - 1
    where = f"{log.client} got {log.room}#{seq} on connection {event.conn}"
    if seq in walked.first or seq <= walked.base:
        walked.findings.append(Finding("duplicate", f"{where} again", event.t))
        return
    walked.first[seq] = event.t
    if seq <= walked.highest:
        walked.holes.pop(seq, None)
        walked.findings.append(Finding("disorder", f"{where} after #{walked.highest}", event.t))
        return
    for missing in range(walked.highest + 1, seq):
        if missing not in walked.first:
            walked.holes[missing] = event
    walked.highest = seq
