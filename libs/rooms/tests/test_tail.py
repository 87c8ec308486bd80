"""The newest messages in memory."""

from hypothesis import example, given
from hypothesis import strategies as st

from rooms.hub.tail import Tail

SIZES = st.lists(st.integers(1, 40), max_size=40)


def filled(sizes: list[int]) -> tuple[Tail, list[tuple[int, bytes]]]:
    """A tail that was given messages of these sizes, from number 1 on, and all of them."""
    tail = Tail(max_count=10, max_bytes=200)
    numbered = [(seq, bytes(size)) for seq, size in enumerate(sizes, 1)]
    for seq, frame in numbered:
        tail.append(seq, frame)
    return tail, numbered


@given(sizes=SIZES, seq=st.integers(0, 45))
def test_after(sizes: list[int], seq: int) -> None:
    """All that follow a number, or None where the tail does not reach back that far."""
    tail, numbered = filled(sizes)
    following = [each for each in numbered if each[0] > seq]
    assert tail.after(seq) in (following, None)
    assert (tail.after(seq) is None) == (seq < tail.start)


@given(sizes=SIZES, count=st.integers(1, 15))
def test_newest(sizes: list[int], count: int) -> None:
    """The newest, or None where there were more of them than the tail has."""
    tail, numbered = filled(sizes)
    newest = tail.newest(count)
    assert newest == (numbered[-count:] if len(tail) >= min(count, len(numbered)) else None)


@given(sizes=SIZES)
def test_bounds(sizes: list[int]) -> None:
    """Never more than so many, nor more than so many bytes."""
    tail, _ = filled(sizes)
    kept = tail.after(tail.start) or []
    assert len(kept) == len(tail) <= 10
    assert sum(len(frame) for _, frame in kept) <= 200


@given(sizes=SIZES)
@example(sizes=[20] * 10)
@example(sizes=[20] * 11)
@example(sizes=[40] * 5 + [1])
def test_keeps_what_fits(sizes: list[int]) -> None:
    """As many of the newest as keep within both bounds, no fewer; `start` is the number before them."""
    tail, numbered = filled(sizes)
    kept = numbered[-10:]
    while sum(len(frame) for _, frame in kept) > 200:
        kept = kept[1:]
    assert tail.after(tail.start) == kept
    assert tail.start == len(numbered) - len(kept)


def test_an_older_history_is_not_here() -> None:
    """A tail that starts at a number knows nothing of what came before, and says so."""
    tail = Tail(7)
    assert (tail.after(6), tail.after(7), tail.newest(1)) == (None, [], None)
    tail.append(8, b"eight")
    assert (tail.after(6), tail.after(7), tail.after(8)) == (None, [(8, b"eight")], [])
    assert (tail.newest(1), tail.newest(2)) == ([(8, b"eight")], None)


def test_the_first_message_is_missed_too() -> None:
    """A room whose first message is not here has older ones; a room without any has all there are."""
    assert (Tail(1).newest(1), Tail().newest(1)) == (None, [])
