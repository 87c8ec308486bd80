"""Django's database session store on the true async connection (`SESSION_ENGINE`), and who holds a session.

Only the methods that touch the database are replaced; keys and encoding are Django's. When a session ends is decided by
PostgreSQL's clock, because the clocks of the processes may differ.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, load_backend
from django.contrib.sessions.backends.base import CreateError, UpdateError
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessionStore
from django.db import IntegrityError
from django.db.models import CharField
from django.db.models.functions import Now
from django.utils.crypto import constant_time_compare

from accounts.models import Session, User
from chassis.database.prepared import Param, Prepared, columns, instance

_CURRENT = Prepared(
    lambda: Session.objects.filter(session_key=Param("key", CharField()), expire_date__gt=Now()).values_list(
        *columns(Session)
    )
)


class SessionStore(DatabaseSessionStore):
    """Sessions in `accounts.Session`."""

    _stored = ""

    @classmethod
    def get_model_class(cls) -> type[Session]:
        """The table."""
        return Session

    async def _aget_session_from_db(self) -> Session | None:
        rows = await _CURRENT.fetch_all(key=self.session_key)
        if not rows:
            # Never adopt a key that a client made up: a new session gets a new one.
            self._session_key = None
            return None
        row = instance(Session, rows[0])
        self._stored = row.session_data
        return row

    async def aexists(self, session_key: str) -> bool:
        """True if there is a row with that key, expired or not."""
        exists: bool = await Session.async_objects.filter(session_key=session_key).aexists()
        return exists

    async def asave(self, must_create: bool = False) -> None:
        """Insert or update the row; `CreateError` for a taken key, `UpdateError` for a session deleted meanwhile."""
        if self.session_key is None:
            await self.acreate()
            return
        data = await self._aget_session(no_load=must_create)  # type: ignore[attr-defined]
        values: dict[str, Any] = {"session_data": self.encode(data), "expire_date": await self._expire_date()}
        if must_create:
            try:
                await Session.async_objects.acreate(session_key=self.session_key, **values)
            except IntegrityError as error:
                raise CreateError from error
        elif not await Session.async_objects.filter(session_key=self.session_key).aupdate(**values):
            raise UpdateError

    async def _expire_date(self) -> Any:
        expiry = await self.aget("_session_expiry")
        if isinstance(expiry, str):
            # Set as a date: not to be counted from now.
            return datetime.fromisoformat(expiry)
        return Now() + timedelta(seconds=expiry or self.get_session_cookie_age())

    async def adelete(self, session_key: str | None = None) -> None:
        """Delete the row of `session_key`, or of this session."""
        key = session_key or self.session_key
        if key is not None:
            await Session.async_objects.filter(session_key=key).adelete()

    async def aresign(self, auth_hash: str) -> bool:
        """Store the hash of the current signing key; key, end and cookie of the session stay as they are.

        Returns False if the stored session is not the one that was loaded: another request has signed it, saved
        something or signed out. The update names the data that it replaces, so it undoes none of these.
        """
        data = {**await self._aget_session(), HASH_SESSION_KEY: auth_hash}  # type: ignore[attr-defined]
        encoded = self.encode(data)
        loaded = Session.async_objects.filter(session_key=self.session_key, session_data=self._stored)
        if not await loaded.aupdate(session_data=encoded):
            return False
        self._session_cache, self._stored = data, encoded
        return True

    async def areload(self) -> None:
        """Read the session again, and drop what this object knew of it."""
        self._session_cache = await self.aload()


class Signed(Enum):
    """Which key made the hash by which a session belongs to its user."""

    CURRENT = auto()
    # One of SECRET_KEY_FALLBACKS.
    FORMER = auto()
    # No key that is known, or the user has changed the password.
    INVALID = auto()


@dataclass(frozen=True, slots=True)
class Holder:
    """The active user that a session names. They hold it unless `signed` is `INVALID`."""

    user: User
    signed: Signed


async def holder(session: SessionStore) -> Holder | None:
    """Who holds `session`; None if it has ended, or names no active user. Only reads."""
    user_id, backend = await session.aget(SESSION_KEY), await session.aget(BACKEND_SESSION_KEY)
    if user_id is None or backend not in settings.AUTHENTICATION_BACKENDS:
        return None
    user = await load_backend(backend).aget_user(int(user_id))
    if user is None:
        return None
    return Holder(user, _signed(user, await session.aget(HASH_SESSION_KEY) or ""))


def _signed(user: User, auth_hash: str) -> Signed:
    if constant_time_compare(auth_hash, user.get_session_auth_hash()):
        return Signed.CURRENT
    former = any(constant_time_compare(auth_hash, known) for known in user.get_session_auth_fallback_hash())
    return Signed.FORMER if former else Signed.INVALID
