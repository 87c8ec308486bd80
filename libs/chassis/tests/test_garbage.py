"""What the collector is kept away from."""

import gc
import weakref

from chassis import garbage


class _Node:
    def __init__(self) -> None:
        self.own = self


async def test_what_lives_at_the_start_is_not_walked_again() -> None:
    """The collector has nothing left to walk, and everything again after the stop."""
    before = gc.get_freeze_count()
    async with garbage.settled():
        assert gc.get_freeze_count() > before + 1000
        assert len(gc.get_objects()) < 1000
    assert gc.get_freeze_count() == 0


async def test_what_becomes_garbage_later_is_still_collected() -> None:
    """A cycle that is made and dropped while the process runs goes."""
    async with garbage.settled():
        node = _Node()
        gone = weakref.ref(node)
        del node
        gc.collect()
        assert gone() is None
