"""What becomes of a user's credentials, as events for the processes that hold sockets opened with them.

Hints like all events: whoever misses one finds out when it looks the credential up again.
"""

from accounts.credentials import Credential
from accounts.secrets import digest
from chassis import bus

SIGNED_OUT = "accounts.signed_out"


def group(user_id: int) -> str:
    """The group of everything that a user has open."""
    return f"user.{user_id}"


async def announce_sign_out(user_id: int, *, session_key: str = "", access_token_id: int | None = None) -> bool:
    """Tell that one credential of the user has ended, or without either that all have; True if Redis took it."""
    data = {"session": digest(session_key) if session_key else None, "access_token": access_token_id}
    return await bus.publish(group(user_id), bus.Event(SIGNED_OUT, data))


def ends(event: bus.Event, credential: Credential) -> bool:
    """True if an event of the user's group ends what was opened with this credential."""
    if event.name != SIGNED_OUT:
        return False
    session, token = event.data.get("session"), event.data.get("access_token")
    if session is None and token is None:
        return True
    if session is not None:
        return bool(credential.session_key) and digest(credential.session_key) == session
    return credential.access_token_id == token
