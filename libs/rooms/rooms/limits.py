"""How fast one sender may post, one room be posted to, and rooms be made by opening them.

By socket and by HTTP together, in all processes together.
"""

from contextlib import AbstractAsyncContextManager

from django.conf import settings

from chassis.background import repeated
from chassis.errors import TooManyRequests
from chassis.gcra import SETTLE_SECONDS, Rates
from rooms.senders import Sender

rates = Rates("messages")


def admit(room: str, sender: Sender) -> None:
    """Count one post; raises `TooManyRequests` where the sender or the room has had too many. Awaits nothing."""
    rates.take(
        (f"sender:{sender.key}", settings.USER_MESSAGE_RATE),
        (f"room:{room}", settings.ROOM_MESSAGE_RATE),
    )


def admit_new_room(address: str, user_id: int | None) -> None:
    """Count one room made on demand by `user_id` (None: a guest) from `address`; raises `TooManyRequests`.

    A guest is counted by address alone, since each socket of a guest is another guest.
    """
    uses = [(f"new-room-address:{address}", settings.ROOMS_ON_DEMAND_ADDRESS_RATE)]
    if user_id is not None:
        uses.append((f"new-room:{user_id}", settings.ROOMS_ON_DEMAND_RATE))
    try:
        rates.take(*uses)
    except TooManyRequests as error:
        message = "Too many new rooms: wait, or open a room that exists"
        raise TooManyRequests(message, retry_after=error.retry_after) from None


async def settle() -> None:
    """Exchange counts with the other processes."""
    await rates.settle()


def settling() -> AbstractAsyncContextManager[None]:
    """A lifespan resource: exchanges counts a few times a second."""
    return repeated(settle, every=SETTLE_SECONDS)
