"""What becomes of a user's credentials, as events for the processes that hold sockets opened with them.

Hints like all events: whoever misses one finds out when it looks the credential up again.
"""

from accounts.credentials import Credential
from accounts.secrets import digest
from chassis import bus

SIGNED_OUT = "accounts.signed_out"
# One for all users: these events are few, and a group a user would be a subscription a user and process.
GROUP = "users"


async def announce_sign_out(user_id: int, *, session_key: str = "", access_token_id: int | None = None) -> bool:
    """Tell that one credential of the user has ended, or without either that all have; True if Redis took it."""
    session = digest(session_key) if session_key else None
    data = {"user": user_id, "session": session, "access_token": access_token_id}
    return await bus.publish(GROUP, bus.Event(SIGNED_OUT, data))


def user_of(event: bus.Event) -> int | None:
    """The id of the user that an event of `GROUP` is about; None where it names none."""
    user_id = event.data.get("user")
    return user_id if isinstance(user_id, int) else None


def ends(event: bus.Event, credential: Credential) -> bool:
    """True if an event of `GROUP` ends what was opened with this credential."""
    if event.name != SIGNED_OUT or user_of(event) != credential.user_id:
        return False
    session, token = event.data.get("session"), event.data.get("access_token")
    if session is None and token is None:
        return True
    if session is not None:
        return bool(credential.session_key) and digest(credential.session_key) == session
    return credential.access_token_id == token
