"""Who opens a socket: a one-use ticket, else a session cookie, else a guest.

A ticket comes as a subprotocol (`Sec-WebSocket-Protocol: millrace.v1, ticket.<secret>`) or, where the URL says
`?auth=ticket`, as the first frame. It is never in the URL, which ends up in logs. Everything here reads only: a socket
cannot set a cookie, so it must not flush the session, which an HTTP response could.
"""

from dataclasses import dataclass
from urllib.parse import parse_qs

from django.conf import settings
from django.http import parse_cookie

from accounts import credentials, tickets, users
from accounts.credentials import Credential
from accounts.sessions import SessionStore, Signed, holder
from async_handler.types import Scope
from chassis import addresses
from chassis.errors import Unauthorized
from rooms import senders
from rooms.senders import Sender

SUBPROTOCOL = "millrace.v1"
_TICKET = "ticket."


@dataclass(frozen=True, slots=True)
class Identity:
    """Who is at the other end, and what they came with, which ends the socket when it ends; None for a guest."""

    sender: Sender
    credential: Credential | None = None


def header_values(scope: Scope, name: bytes) -> list[str]:
    """All values of a header."""
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]


def client_address(scope: Scope) -> str:
    """The client's address for counting; forwarded headers were applied by the server (`FORWARDED_ALLOW_IPS`)."""
    client = scope.get("client")
    return addresses.counted(str(client[0])) if client else ""


def query(scope: Scope) -> dict[str, str]:
    """The parameters of the query string; the last one of a name counts."""
    parsed = parse_qs(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
    return {name: values[-1] for name, values in parsed.items()}


def session_key(scope: Scope) -> str | None:
    """The value of the session cookie."""
    cookies = parse_cookie("; ".join(header_values(scope, b"cookie")))
    return cookies.get(settings.SESSION_COOKIE_NAME) or None


def offered_ticket(scope: Scope) -> str | None:
    """The secret of the ticket among the offered subprotocols."""
    offered = (item[len(_TICKET) :] for item in scope["subprotocols"] if item.startswith(_TICKET))
    return next(offered, None)


def ticket_follows(scope: Scope) -> bool:
    """True if the client announced (`?auth=ticket`) that its first frame is a ticket."""
    return offered_ticket(scope) is None and query(scope).get("auth") == "ticket"


def brings_ticket(scope: Scope) -> bool:
    """True if a ticket decides who this is, and nothing that a browser sends by itself."""
    return offered_ticket(scope) is not None or ticket_follows(scope)


def accepted_subprotocol(scope: Scope) -> str | None:
    """What to select of the subprotocols that were offered; never the ticket, which would echo it."""
    return SUBPROTOCOL if SUBPROTOCOL in scope["subprotocols"] else None


async def by_ticket(secret: str, room: str) -> Identity:
    """Whoever the ticket admits to `room`; spends it. Raises `Unauthorized`."""
    admission = await tickets.use(secret, room)
    found: Identity | None = None
    if admission is not None and admission.session_key:
        # It may have ended since the ticket was bought; a token takes its tickets with it.
        found = await by_session(admission.session_key)
    elif admission is not None:
        user = await users.active(admission.user_id)
        if user is not None:
            credential = Credential(user.pk, access_token_id=admission.access_token_id)
            found = Identity(senders.from_user(user), credential)
    if found is None:
        raise Unauthorized("Ticket is not valid")
    return found


async def by_session(key: str) -> Identity | None:
    """Whoever the session belongs to; None where it is over, which makes its holder a guest as it does over HTTP."""
    # Channels' own get_user knows no fallbacks: after a rotation of SECRET_KEY it would flush all sessions.
    found = await holder(SessionStore(key))
    if found is None or found.signed is Signed.INVALID:
        return None
    return Identity(senders.from_user(found.user), credentials.by_session(found.user, key))


async def identify(scope: Scope, room: str, ticket: str | None = None) -> Identity:
    """Who opens this socket in `room`; `ticket` is that of the first frame. Raises `Unauthorized` for a bad ticket."""
    # Not `or`: an empty ticket is a bad one, and must not fall back to a cookie whose Origin nobody checked.
    secret = ticket if ticket is not None else offered_ticket(scope)
    if secret is not None:
        return await by_ticket(secret, room)
    key = session_key(scope)
    found = await by_session(key) if key else None
    return found or Identity(senders.new_guest())
