"""The verdict over a history and the final tables: pure functions, no I/O. docs/guarantees.md says what they prove."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from tests.chaos.calm import Calm
from tests.chaos.facts import Finding, Limits, Row, Table, Verdict
from tests.chaos.history import Event
from tests.chaos.logs import Log, Send, logs_of, outsiders, sends_of
from tests.chaos.walk import Walk, walk


def check(events: Sequence[Event], table: Table, limits: Limits) -> Verdict:
    """Every promise, over all rooms and clients."""
    sends, logs, out = sends_of(events), logs_of(events), outsiders(events)
    walks = {client: walk(log) for client, log in logs.items()}
    verdict = Verdict()
    verdict.counted.update(
        sends=len(sends),
        acked=sum(send.acked is not None for send in sends.values()),
        stored=sum(len(room.rows) for room in table.values()),
        delivered=sum(len(walked.first) for walked in walks.values()),
        clients=len(logs),
        connections=sum(event.kind == "open" for event in events),
    )
    verdict.findings += _tables(table, sends)
    verdict.findings += _order(table, sends)
    calm = Calm(events, limits.heal)
    for client, log in logs.items():
        gone = out.get(client, [])
        verdict.findings += walks[client].findings
        verdict.findings += _foreign(log)
        verdict.findings += _agreement(log, table, sends)
        verdict.findings += _after_revocation(log, gone, limits)
        if not gone:
            verdict.findings += _head(log, walks[client], table)
            verdict.findings += _punctual(log, walks[client], sends, calm)
        elif gone[-1][1] != float("inf"):
            verdict.findings += _head(log, walks[client], table)
    verdict.findings += _complaints(events)
    return verdict


def _tables(table: Table, sends: Mapping[str, Send]) -> Iterator[Finding]:
    stored = Counter(row.id for room in table.values() for row in room.rows)
    for name, room in table.items():
        numbers = [row.seq for row in room.rows]
        if numbers != list(range(1, room.last_seq + 1)):
            yield Finding("lost", f"{name}: the stored numbers are not 1 to {room.last_seq}")
        for row in room.rows:
            send = sends.get(row.id)
            if send is None or send.room != name or send.sum != row.sum:
                yield Finding("phantom", f"{name}#{row.seq} ({row.id}) is stored, and nobody sent it so")
    for client_id, times in stored.items():
        if times > 1:
            yield Finding("duplicate", f"{client_id} is stored {times} times")
    rows = {(name, row.seq): row for name, room in table.items() for row in room.rows}
    for send in sends.values():
        yield from _kept(send, rows)


def _kept(send: Send, rows: Mapping[tuple[str, int], Row]) -> Iterator[Finding]:
    if send.acked is None:
        return
    if len(send.seqs) > 1:
        yield Finding("lost", f"{send.id} was acknowledged as {sorted(send.seqs)}", send.acked)
    for seq in send.seqs:
        row = rows.get((send.room, seq))
        if row is None or row.id != send.id:
            yield Finding("lost", f"{send.id} was acknowledged as {send.room}#{seq}, which is not it", send.acked)


def _order(table: Table, sends: Mapping[str, Send]) -> Iterator[Finding]:
    """A acknowledged before B was sent: seq(A) < seq(B). One sweep over both by time."""
    for name, room in table.items():
        stored = [(send, row.seq) for row in room.rows if (send := sends.get(row.id)) is not None]
        acks = sorted((send.acked, seq, send.id) for send, seq in stored if send.acked is not None)
        highest, highest_id, place = 0, "", 0
        for send, seq in sorted(stored, key=lambda pair: pair[0].sent):
            while place < len(acks) and acks[place][0] < send.sent:
                highest, highest_id = max((highest, highest_id), acks[place][1:])
                place += 1
            if seq < highest:
                text = f"{name}: {highest_id} was acknowledged as {highest} before {send.id} was sent, which is {seq}"
                yield Finding("order", text, send.sent)


def _foreign(log: Log) -> Iterator[Finding]:
    for event in log.events:
        if event.room != log.room:
            what = f"#{event.seq}" if event.kind == "message" else event.frame or event.kind
            yield Finding("foreign", f"{log.client} in {log.room} got {what} of {event.room}", event.t)


def _agreement(log: Log, table: Table, sends: Mapping[str, Send]) -> Iterator[Finding]:
    rows = {row.seq: row for row in table[log.room].rows} if log.room in table else {}
    for event in log.events:
        if event.kind != "message" or event.room != log.room:
            continue
        row = rows.get(event.seq or 0)
        if event.id not in sends:
            yield Finding("phantom", f"{log.client} got {event.id}, which nobody sent", event.t)
        elif row is None or (row.id, row.sum) != (event.id, event.sum):
            yield Finding(
                "disagreement", f"{log.client} got {log.room}#{event.seq}, which is not what is stored", event.t
            )


def _after_revocation(log: Log, gone: Sequence[tuple[float, float]], limits: Limits) -> Iterator[Finding]:
    for revoked, granted in gone:
        for event in log.events:
            if event.kind in {"message", "frame", "open"} and revoked + limits.grace < event.t < granted:
                late = f"{event.t - revoked:.1f} s after it was shut out of {log.room}"
                yield Finding("revoked", f"{log.client} got {event.frame or event.kind} {late}", event.t)


def _head(log: Log, walked: Walk, table: Table) -> Iterator[Finding]:
    if log.room not in table or walked.base is None:
        return
    head = table[log.room].last_seq
    for seq in range(max(walked.base, walked.highest) + 1, head + 1):
        yield Finding("behind", f"{log.client} never got {log.room}#{seq}; its last is #{walked.highest}")


def _punctual(log: Log, walked: Walk, sends: Mapping[str, Send], calm: Calm) -> Iterator[Finding]:
    for send in sends.values():
        if send.room != log.room or send.acked is None:
            continue
        for seq in send.seqs:
            came, due = walked.first.get(seq), calm.due(send.acked)
            if came is not None and came > due and walked.listened_since < send.acked:
                text = f"{log.client} got {log.room}#{seq} {came - send.acked:.1f} s after its acknowledgement"
                yield Finding("late", text, came)


def _complaints(events: Sequence[Event]) -> Iterator[Finding]:
    for event in events:
        if event.kind == "error" and event.why in {"conflict", "http 409"}:
            yield Finding("conflict", f"{event.client} repeated {event.id}", event.t)
        elif event.kind == "frame" and event.frame == "resync_required":
            yield Finding("resync", f"{event.client} in {event.room}", event.t)
