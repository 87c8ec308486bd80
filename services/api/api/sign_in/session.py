"""`/api/session/`: session data read and written from an async view."""

from http import HTTPStatus
from typing import Any

import msgspec
from dmr import Body, modify

from accounts.models import Session
from accounts.requests import own_session
from accounts.sessions import SessionStore
from api.sign_in.schemas import SESSION_KEYS_MAX, SESSION_VALUE_MAX_BYTES, SessionData, SessionItem
from chassis.controllers import JsonController, SignedIn, responses
from chassis.errors import BadRequest, Forbidden


async def own_data(session: SessionStore) -> dict[str, Any]:
    """What the user put into `session`, without Django's own entries."""
    return {key: value for key, value in await session.aitems() if not key.startswith("_")}


async def put(session: SessionStore, key: str, value: Any) -> None:
    """Remember `value` under `key`; None forgets the key. Raises `BadRequest` beyond the limits.

    Two writes at the same time: the later one wins, with all of its data, as in any Django session.
    """
    if value is None:
        await session.apop(key, None)
        return
    if len(msgspec.json.encode(value)) > SESSION_VALUE_MAX_BYTES:
        raise BadRequest(f"A value may have {SESSION_VALUE_MAX_BYTES} bytes")
    own = [name for name in await session.akeys() if not name.startswith("_")]
    if key not in own and len(own) >= SESSION_KEYS_MAX:
        raise BadRequest(f"A session may have {SESSION_KEYS_MAX} keys")
    await session.aset(key, value)


class SessionController(JsonController):
    """The caller's session: it exists only for who signed in with a cookie, so strangers fill no table with theirs."""

    tags = ["Sign-in"]
    auth = [SignedIn()]

    @modify(extra_responses=responses(HTTPStatus.FORBIDDEN))
    async def get(self) -> SessionData:
        """What the session remembers."""
        session = self._session()
        # The row knows when it ends; the store would say what saving it now would make of it.
        rows = Session.async_objects.filter(session_key=session.session_key).values_list("expire_date", flat=True)
        return SessionData(await own_data(session), await rows.afirst() or await session.aget_expiry_date())

    @modify(status_code=HTTPStatus.OK, extra_responses=responses(HTTPStatus.FORBIDDEN))
    async def post(self, parsed_body: Body[SessionItem]) -> SessionData:
        """Remember a value; saved with the response, which also prolongs the session."""
        session = self._session()
        await put(session, parsed_body.key, parsed_body.value)
        return SessionData(await own_data(session), await session.aget_expiry_date())

    def _session(self) -> SessionStore:
        session = own_session(self.request)
        if session is None:
            raise Forbidden("There is no session: this request is signed in by a token")
        return session
