"""What somebody opened something long-lived with, and how to ask whether it still stands.

A socket or a stream is admitted once and then lives for hours. Whoever keeps it open keeps its `Credential` and asks
again, for all that are open at once: `STANDS` is a condition for a query over many.
"""

from dataclasses import dataclass

from accounts.models import User
from accounts.secrets import digest


@dataclass(frozen=True, slots=True)
class Credential:
    """A user's session or access token (at most one is set).

    `password` is the SHA-256 of the user's encoded password, where it is a session: a session ends with the password
    that it was opened with. It is not the session's own hash, which also depends on the key it was signed with: after a
    rotation of SECRET_KEY that hash changes, and the session goes on.
    """

    user_id: int
    session_key: str = ""
    access_token_id: int | None = None
    password: str = ""


def by_session(user: User, session_key: str) -> Credential:
    """The credential of a valid session of `user`."""
    return Credential(user.pk, session_key, password=digest(user.password))


# Over rows `held` with the columns user_id, session_key, access_token_id and password of a `Credential`: the user is
# active, and the session or the token is neither ended nor expired. Each is one look into an index.
STANDS = """(
    EXISTS (
        SELECT 1 FROM accounts_user WHERE id = held.user_id AND is_active
        AND (held.password = '' OR encode(sha256(convert_to(password, 'UTF8')), 'hex') = held.password)
    )
    AND (held.session_key = '' OR EXISTS (
        SELECT 1 FROM accounts_session session
        WHERE session.session_key = held.session_key AND expire_date > clock_timestamp()
    ))
    AND (held.access_token_id IS NULL OR EXISTS (
        SELECT 1 FROM accounts_accesstoken
        WHERE id = held.access_token_id AND user_id = held.user_id AND expires_at > clock_timestamp()
    ))
)"""
