"""Which names are to be subscribed, and what the server has said about each. No input or output."""

import asyncio
from collections import defaultdict, deque

type Confirmation = asyncio.Future[None]


class Confirmations:
    """One future a wanted name: done while the server has the subscription.

    The server answers in order, so the answers to SUBSCRIBE, UNSUBSCRIBE, SUBSCRIBE of one name are told apart by
    counting: the first answer says nothing about the second subscription.
    """

    def __init__(self) -> None:
        self._wanted: dict[str, Confirmation] = {}
        self._asked: defaultdict[str, deque[Confirmation]] = defaultdict(deque)
        self._late: set[str] = set()

    def __contains__(self, name: str) -> bool:
        return name in self._wanted

    def __getitem__(self, name: str) -> Confirmation:
        return self._wanted[name]

    def names(self) -> list[str]:
        """All wanted names."""
        return list(self._wanted)

    def add(self, name: str) -> None:
        """Want a name."""
        self._wanted[name] = asyncio.get_running_loop().create_future()

    def remove(self, name: str) -> None:
        """Want it no longer. What was asked is still answered, so who waits for it learns that it was done."""
        del self._wanted[name]
        self._late.discard(name)

    def asked(self, name: str) -> None:
        """The server is being asked for a wanted name."""
        self._asked[name].append(self._wanted[name])

    def given_up(self, name: str, confirmation: Confirmation) -> None:
        """Somebody stopped waiting: when this is confirmed after all, its readers have to be told."""
        if self._wanted.get(name) is confirmation and not confirmation.done():
            self._late.add(name)

    def confirmed(self, name: str) -> bool:
        """The server has answered; True if that came too late for somebody, who thinks nothing is subscribed."""
        waiting = self._asked.get(name)
        if not waiting:
            return False
        confirmation = waiting.popleft()
        if not waiting:
            del self._asked[name]
        if not confirmation.done():
            confirmation.set_result(None)
        late = name in self._late and self._wanted[name] is confirmation
        if late:
            self._late.discard(name)
        return late

    def connection_lost(self) -> None:
        """Nothing is subscribed any more. Who waits goes on waiting, for the next connection's confirmation."""
        self._asked.clear()
        for name, confirmation in self._wanted.items():
            if confirmation.done():
                self.add(name)

    def restored(self) -> None:
        """Everybody is told that messages may have been lost, the late ones too."""
        self._late.clear()
