"""The history turned into one log a client and one record a send: what the checks look at."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tests.chaos.history import Event


@dataclass(slots=True)
class Send:
    """One message somebody posted, over all its attempts."""

    id: str
    client: str
    room: str
    sum: str
    sent: float
    attempts: int = 0
    acked: float | None = None
    seqs: set[int] = field(default_factory=set)


@dataclass(slots=True)
class Log:
    """Everything one client saw of its room, in the order in which it saw it: events of its connections."""

    client: str
    room: str
    events: list[Event] = field(default_factory=list)


def sends_of(events: Iterable[Event]) -> dict[str, Send]:
    """Every message that was posted, by its id."""
    sends: dict[str, Send] = {}
    for event in events:
        if event.kind == "send":
            send = sends.setdefault(event.id, Send(event.id, event.client, event.room, event.sum, event.t))
            send.attempts += 1
        elif event.kind == "ack" and event.id in sends and event.seq is not None:
            send = sends[event.id]
            send.acked = event.t if send.acked is None else send.acked
            send.seqs.add(event.seq)
    return sends


def logs_of(events: Iterable[Event]) -> dict[str, Log]:
    """The log of every client that was ever let in."""
    logs: dict[str, Log] = {}
    for event in events:
        if event.kind == "open" and event.client not in logs:
            logs[event.client] = Log(event.client, event.room)
        if event.kind in {"open", "message", "frame", "close"} and event.client in logs:
            logs[event.client].events.append(event)
    return logs


def outsiders(events: Sequence[Event]) -> dict[str, list[tuple[float, float]]]:
    """By client: from when to when (answered, asked) its membership was taken; without an end it is infinite."""
    spans: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for event in events:
        if event.kind == "revoked":
            spans[event.client].append((event.t, float("inf")))
        elif event.kind == "grant" and spans[event.client]:
            since, until = spans[event.client][-1]
            spans[event.client][-1] = (since, min(until, event.t))
    return spans
