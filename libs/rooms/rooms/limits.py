"""How fast one sender may post, and one room be posted to: by socket and by HTTP, in all processes together."""

from contextlib import AbstractAsyncContextManager

from django.conf import settings

from chassis.background import repeated
from chassis.gcra import SETTLE_SECONDS, Rates
from rooms.senders import Sender

rates = Rates("messages")


def admit(room: str, sender: Sender) -> None:
    """Count one post; raises `TooManyRequests` where the sender or the room has had too many. Awaits nothing."""
    rates.take(
        (f"sender:{sender.key}", settings.USER_MESSAGE_RATE),
        (f"room:{room}", settings.ROOM_MESSAGE_RATE),
    )


async def settle() -> None:
    """Exchange counts with the other processes."""
    await rates.settle()


def settling() -> AbstractAsyncContextManager[None]:
    """A lifespan resource: exchanges counts a few times a second."""
    return repeated(settle, every=SETTLE_SECONDS)
