"""What becomes of a user's credentials, as events for the processes that hold sockets opened with them.

Hints like all events: whoever misses one finds out when it looks the credential up again.
"""

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


def ends(event: bus.Event, *, session_key: str, access_token_id: int | None) -> bool:
    """True if a `SIGNED_OUT` event ends what was opened with this credential."""
    session, token = event.data.get("session"), event.data.get("access_token")
    if session is None and token is None:
        return True
    if session is not None:
        return bool(session_key) and digest(session_key) == session
    return access_token_id == token
