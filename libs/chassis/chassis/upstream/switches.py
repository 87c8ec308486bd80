"""Which protections of a call are on; each can be left out, so that it can be seen what it is for."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import lru_cache


class UnknownMechanism(ValueError):
    """There is no mechanism of this name; the message lists those that there are."""


@dataclass(frozen=True, slots=True)
class Switches:
    """All on by default.

    `deadline`: the whole ends in time, and the upstream is told how much is left. `timeout`: so does each leg.
    `bulkhead`: at most so many requests of a leg at once. `retry`: a failed attempt is made again. `budget`: only as
    long as such attempts are few. `breaker`: an upstream that fails is left alone. `hedge`: a slow one is asked twice.
    `single_flight`: who asks for the same at the same time shares the call. `fresh`: an answer serves for a moment.
    `stale`: the last good answer serves where there is none.
    """

    deadline: bool = True
    timeout: bool = True
    bulkhead: bool = True
    retry: bool = True
    budget: bool = True
    breaker: bool = True
    hedge: bool = True
    single_flight: bool = True
    fresh: bool = True
    stale: bool = True

    @property
    def without(self) -> list[str]:
        """The names of those that are off."""
        return [name for name in NAMES if not getattr(self, name)]


NAMES = tuple(field.name for field in fields(Switches))


def without(names: Iterable[str]) -> Switches:
    """All but `names`. Raises `UnknownMechanism`."""
    return _without(frozenset(names))


# The same object for the same names: it is part of the key of calls that are shared.
@lru_cache(maxsize=1024)
def _without(names: frozenset[str]) -> Switches:
    for name in sorted(names):
        if name not in NAMES:
            raise UnknownMechanism(f"There is no mechanism {name[:40]!r}; there are {', '.join(NAMES)}")
    return Switches(**dict.fromkeys(names, False))
