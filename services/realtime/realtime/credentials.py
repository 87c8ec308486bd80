"""Whose sockets are open here, so that one subscription a process serves all of them when a credential ends."""

import contextlib
from collections.abc import AsyncIterator
from typing import Protocol

from accounts import events
from chassis import bus


class Holder(Protocol):
    """A socket that somebody signed in for."""

    def signed_out(self, event: bus.Event) -> None:
        """One of this user's credentials ended, perhaps the one that opened this socket."""


_holders: dict[int, dict[Holder, None]] = {}


def watch(user_id: int, holder: Holder) -> None:
    """Tell `holder` when a credential of the user ends, until `forget`."""
    _holders.setdefault(user_id, {})[holder] = None


def forget(user_id: int, holder: Holder) -> None:
    """Tell it no more."""
    holders = _holders.get(user_id, {})
    holders.pop(holder, None)
    if not holders:
        _holders.pop(user_id, None)


@contextlib.asynccontextmanager
async def listening() -> AsyncIterator[None]:
    """A lifespan resource: hears what becomes of credentials until the end of the block. Redis may be down."""
    await bus.inbox.listen(events.GROUP, _heard)
    try:
        yield
    finally:
        await bus.inbox.ignore(events.GROUP, _heard)


def _heard(event: bus.Event) -> None:
    user_id = event.data.get("user")
    if event.name == events.SIGNED_OUT and isinstance(user_id, int):
        for holder in tuple(_holders.get(user_id, ())):
            holder.signed_out(event)
