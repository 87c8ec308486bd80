"""What a checker needs to know beside the history, and what it says: plain data."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Row:
    """A stored message, as read from PostgreSQL at the end."""

    seq: int
    id: str
    sum: str


@dataclass(frozen=True, slots=True)
class Room:
    """A room at the end: its head and its rows by number."""

    last_seq: int
    rows: Sequence[Row]


type Table = Mapping[str, Room]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Seconds. `heal`: of calm after which everybody has everything; `grace`: for frames after a revocation."""

    heal: float = 10.0
    grace: float = 2.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One way in which a promise was broken; `t` is where to look in the history."""

    kind: str
    text: str
    t: float = 0.0


@dataclass(slots=True)
class Verdict:
    """All findings, and how much was looked at."""

    findings: list[Finding] = field(default_factory=list)
    counted: Counter[str] = field(default_factory=Counter)

    @property
    def passed(self) -> bool:
        """Nothing was broken, and there was something to break."""
        return not self.findings and self.counted["acked"] > 0 and self.counted["delivered"] > 0

    def of(self, *kinds: str) -> int:
        """How many findings are of these kinds."""
        return sum(finding.kind in kinds for finding in self.findings)

    @property
    def lost(self) -> int:
        """Messages acknowledged and not stored, or stored and not delivered to somebody who should have them."""
        return self.of("lost", "gap", "behind")


# In the order of docs/guarantees.md.
KINDS = {
    "lost": "acknowledged, but not in PostgreSQL exactly once under the acknowledged number",
    "gap": "stored, but skipped in a client's log",
    "behind": "a client did not reach the head",
    "duplicate": "delivered or stored twice",
    "phantom": "delivered or stored, but sent by nobody",
    "disorder": "delivered after a later number",
    "disagreement": "a client's message is not the one that PostgreSQL has under that number",
    "order": "acknowledged before another was sent, but with a higher number",
    "foreign": "a frame of another room",
    "revoked": "a frame after the membership was taken",
    "late": "not delivered within the healing time although nothing was wrong any more",
    "resync": "a client was told that its place does not exist",
    "conflict": "a repeated post was refused as another message",
    "down": "a service did not come back",
    "unanswered": "an HTTP request failed although somebody could have answered it",
    "resources": "memory, threads, files or database sessions that were not given back",
}
