"""Figures from a history: how many posts had which outcome and how long deliveries took, in each fault and outside."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tests.chaos.history import Event
from tests.chaos.logs import Send, sends_of

type Inside = Callable[[float], bool]
type Sends = Mapping[str, Send]


@dataclass(frozen=True, slots=True)
class Window:
    """One step: its faults, from the first one's start until all was healthy again. `hits`: what they harmed."""

    names: tuple[str, ...]
    start: float
    stop: float
    healed: float
    done: tuple[str, ...] = ()
    hits: tuple[Event, ...] = ()

    @property
    def label(self) -> str:
        """As `ONLY` takes it."""
        return "+".join(self.names)


@dataclass(slots=True)
class Latencies:
    """Seconds."""

    values: list[float] = field(default_factory=list)

    def at(self, quantile: float) -> float | None:
        """The value at 0.5 or 0.99 or 1; None where there is none."""
        ordered = sorted(self.values)
        return ordered[min(len(ordered) - 1, int(quantile * len(ordered)))] if ordered else None


@dataclass(slots=True)
class Figures:
    """Of one window, or of all time outside of windows."""

    sends: int = 0
    acked: int = 0
    unknown: int = 0
    errors: int = 0
    closed: int = 0
    delivered: Latencies = field(default_factory=Latencies)
    end_to_end: Latencies = field(default_factory=Latencies)

    @property
    def acked_share(self) -> float:
        """Of the messages sent in this window, those that were acknowledged at any time."""
        return self.acked / self.sends if self.sends else 0.0


def windows_of(events: Iterable[Event]) -> list[Window]:
    """The steps of the run."""
    found: list[Window] = []
    names: list[str] = []
    done: list[str] = []
    hits: list[Event] = []
    start = stop = 0.0
    for event in events:
        if event.kind == "fault_start":
            start = start if names else event.t
            names.append(event.fault)
        elif event.kind == "fault_stop":
            stop = event.t
            done.append(event.why)
        elif event.kind == "hit":
            hits.append(event)
        elif event.kind == "healed" and names:
            found.append(Window(tuple(names), start, stop, event.t, tuple(done), tuple(hits)))
            names, done, hits = [], [], []
    return found


def figures(events: Sequence[Event], since: float, until: float) -> Figures:
    """Everything that was sent from `since` until `until`."""
    return _figures(events, lambda t: since <= t < until)


def outside(events: Sequence[Event], windows: Sequence[Window]) -> Figures:
    """Everything that was sent while nothing was wrong."""
    first = next((event.t for event in events if event.kind == "phase" and event.why == "warm"), 0.0)
    return _figures(events, lambda t: t >= first and not any(w.start <= t < w.healed for w in windows))


def _figures(events: Sequence[Event], inside: Inside) -> Figures:
    sends = sends_of(events)
    chosen = {client_id: send for client_id, send in sends.items() if inside(send.sent)}
    result = Figures(sends=len(chosen), acked=sum(send.acked is not None for send in chosen.values()))
    result.unknown = sum(send.acked is None for send in chosen.values())
    counted = Counter(event.kind for event in events if inside(event.t) and event.kind in {"error", "close"})
    result.errors, result.closed = counted["error"], counted["close"]
    for send, at in deliveries(events, chosen):
        result.end_to_end.values.append(at - send.sent)
        if send.acked is not None:
            # A message may reach others before its acknowledgement reaches its sender.
            result.delivered.values.append(max(0.0, at - send.acked))
    return result


def deliveries(events: Iterable[Event], sends: Sends) -> Iterable[tuple[Send, float]]:
    """Each message's arrival at clients other than its sender, once a client.

    A client that had to connect anew does not count: its delay is that of its connection, which is another figure.
    """
    opened: dict[str, float] = {}
    for event in events:
        if event.kind == "open":
            opened[event.client] = event.t
        send = sends.get(event.id) if event.kind == "message" else None
        if send is not None and event.client != send.client and opened.get(event.client, event.t) <= send.sent:
            yield send, event.t


def echoes(events: Iterable[Event], since: float, until: float, *, but: str = "") -> Latencies:
    """From sending to one's own message, of sockets in all rooms but one, sent in this time by WebSocket."""
    sent: dict[str, Event] = {}
    result = Latencies()
    for event in events:
        if event.kind == "send" and event.via == "ws" and since <= event.t < until and event.room != but:
            sent.setdefault(event.id, event)
        mine = sent.get(event.id) if event.kind == "message" else None
        if mine is not None and (mine.client, mine.conn) == (event.client, event.conn):
            result.values.append(event.t - mine.t)
    return result
