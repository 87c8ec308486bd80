"""One-use WebSocket tickets, so that no long-lived credential is ever put in a URL or handed to a page's script.

They are in PostgreSQL, not Redis: people must be able to connect while Redis is down. `DELETE ... RETURNING` makes the
use of a ticket atomic, so two sockets can never share one. When a ticket expires is decided by PostgreSQL's clock: the
process that issues it and the one that uses it may have different times.
"""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models.functions import Now

from accounts.models import AccessToken, User, WebSocketTicket
from accounts.secrets import digest, new_secret
from chassis.database import fetch_all

LIFETIME = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Admission:
    """What a used ticket admits: the user, and the credential that it was bought with (at most one is set)."""

    user_id: int
    session_key: str
    access_token_id: int | None


async def issue(user: User, room: str, *, session_key: str = "", access_token: AccessToken | None = None) -> str:
    """A ticket for `user` to open one socket in `room` within `LIFETIME`."""
    secret = new_secret()
    await WebSocketTicket.async_objects.filter(user_id=user.pk, expires_at__lte=Now()).adelete()
    await WebSocketTicket.async_objects.acreate(
        digest=digest(secret),
        user_id=user.pk,
        room=room,
        session_key=session_key,
        access_token_id=access_token.pk if access_token else None,
        expires_at=Now() + LIFETIME,
    )
    return secret


async def use(secret: str, room: str) -> Admission | None:
    """Spend a ticket; None where it is unknown, spent, expired or for another room (which spends it too)."""
    rows = await fetch_all(
        "DELETE FROM accounts_websocketticket WHERE digest = %s"
        " RETURNING room, expires_at > clock_timestamp(), user_id, session_key, access_token_id",
        (digest(secret),),
    )
    if not rows:
        return None
    ticket_room, valid, user_id, session_key, access_token_id = rows[0]
    if ticket_room != room or not valid:
        return None
    return Admission(user_id, session_key, access_token_id)
