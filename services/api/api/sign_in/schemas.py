"""What the sign-in endpoints take and answer."""

from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from api.users.schemas import Password, Username

SESSION_KEYS_MAX = 32
SESSION_VALUE_MAX_BYTES = 4096

# A leading underscore is Django's: the user's id and the session's own expiry live under such keys.
SessionKey = Annotated[str, Meta(max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$(?!\n)")]


class Credentials(Struct, forbid_unknown_fields=True):
    """A user name and its password."""

    username: Username
    password: Password


class Issued(Struct, kw_only=True):
    """What a sign-in hands out beside the session cookie; `expires_at` is the token's."""

    token: str
    expires_at: datetime
    csrf_token: str


class Registered(Issued, kw_only=True):
    """The new user, signed in."""

    id: int
    username: str


class Account(Struct):
    """A user as they see themselves."""

    id: int
    username: str
    email: str
    is_staff: bool


class LoggedIn(Issued, kw_only=True):
    """The user, signed in."""

    authenticated: bool = True
    user_id: int
    user: Account


class Refused(Struct):
    """The answer to credentials that are not valid; `authenticated` is false."""

    authenticated: bool
    error: str


class LoggedOut(Struct):
    """The credential of this request is no longer valid."""

    logged_out: bool = True


class Me(Account):
    """The caller; `csrf_token` only where a session cookie says who they are."""

    credential: Literal["session", "token"]
    csrf_token: str | None = None


class SessionItem(Struct, forbid_unknown_fields=True):
    """A value (any JSON, up to 4096 bytes) to remember under a key; null forgets the key."""

    key: SessionKey
    value: Any


class SessionData(Struct):
    """What the session remembers for its user, and when it ends."""

    session: dict[str, Any]
    expires_at: datetime


class TicketIn(Struct, forbid_unknown_fields=True):
    """The room that a socket shall be opened in."""

    room: Annotated[str, Meta(min_length=1, max_length=64)]


class TicketOut(Struct):
    """A ticket, the seconds for which it can be used, and the URL to open with it."""

    ticket: str
    expires_in: int
    room: str
    url: str
