"""How many more requests than it was asked for a client may send: a share of those that it was asked for."""

# What adding a tenth ten times loses.
_TOLERANCE = 1e-9


class Budget:
    """Of `n` requests at most `start + ratio * n` may be followed by another.

    Each `deposit` earns `ratio` of a token, of which at most `most` are kept; each `spend` takes one. So one request
    that fails may be made again, but where all fail, the upstream gets `ratio` more of them and not a multiple.
    """

    __slots__ = ("_most", "_ratio", "tokens")

    def __init__(self, ratio: float, *, start: float, most: float) -> None:
        self._ratio = ratio
        self._most = most
        self.tokens = float(start)

    def deposit(self) -> None:
        """A request is being made."""
        self.tokens = min(self._most, self.tokens + self._ratio)

    def spend(self) -> bool:
        """Whether one more may follow; takes its token."""
        if self.tokens < 1 - _TOLERANCE:
            return False
        self.tokens = max(0.0, self.tokens - 1)
        return True
