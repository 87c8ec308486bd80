"""What a right answer is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from bench.errors import WrongAnswer
from bench.load.wire import Request, Response, header


@dataclass(slots=True)
class Expect:
    """`check` gets the decoded JSON body and the request's subject and returns what is wrong with the body, or None.

    `headers` (lower case) have to be there and not empty. A body that was right once is right again for that subject,
    byte for byte, unless `varies`: then each is decoded and checked anew, which costs the generator more.
    """

    check: Callable[[Any, Any], str | None]
    status: int = 200
    headers: Sequence[bytes] = ()
    varies: bool = False
    _known: set[tuple[Any, bytes]] = field(default_factory=set)

    def __call__(self, request: Request, response: Response) -> None:
        """Raises `WrongAnswer` for anything but what is expected."""
        if response.status != self.status:
            raise WrongAnswer(f"status {response.status} instead of {self.status}: {response.body[:300]!r}")
        for name in self.headers:
            if not header(response.head, name):
                raise WrongAnswer(f"no header {name.decode()}: {response.head.decode('latin-1')}")
        if (request.subject, response.body) not in self._known:
            self._examine(request.subject, response.body)

    def _examine(self, subject: Any, body: bytes) -> None:
        try:
            decoded = msgspec.json.decode(body)
        except msgspec.DecodeError:
            raise WrongAnswer(f"not JSON: {body[:300]!r}") from None
        if (wrong := self.check(decoded, subject)) is not None:
            raise WrongAnswer(f"{wrong}: {body[:300]!r}")
        if not self.varies and len(self._known) < 20_000:
            self._known.add((subject, body))


def equals(expected: Any) -> Callable[[Any, Any], str | None]:
    """A check for one value."""
    return lambda found, subject: None if found == expected else f"the body is not {expected!r}"
