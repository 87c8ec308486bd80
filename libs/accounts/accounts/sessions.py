"""Django's database session store on the true async connection (`SESSION_ENGINE`).

Only the four methods that touch the database are replaced; keys, encoding, expiry and rotation are Django's.
"""

from typing import Any

from django.contrib.sessions.backends.base import CreateError, UpdateError
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessionStore
from django.db import IntegrityError
from django.db.models import CharField, DateTimeField
from django.utils import timezone

from accounts.models import Session
from chassis.database.prepared import Param, Prepared, columns, instance

_CURRENT = Prepared(
    lambda: Session.objects.filter(
        session_key=Param("key", CharField()), expire_date__gt=Param("now", DateTimeField())
    ).values_list(*columns(Session))
)


class SessionStore(DatabaseSessionStore):
    """Sessions in `accounts.Session`."""

    @classmethod
    def get_model_class(cls) -> type[Session]:
        """The table."""
        return Session

    async def _aget_session_from_db(self) -> Session | None:
        rows = await _CURRENT.fetch_all(key=self.session_key, now=timezone.now())
        if not rows:
            # Never adopt a key that a client made up: a new session gets a new one.
            self._session_key = None
            return None
        return instance(Session, rows[0])

    async def aexists(self, session_key: str) -> bool:
        """True if there is a row with that key, expired or not."""
        exists: bool = await Session.async_objects.filter(session_key=session_key).aexists()
        return exists

    async def asave(self, must_create: bool = False) -> None:
        """Insert or update the row; `CreateError` for a taken key, `UpdateError` for a session deleted meanwhile."""
        if self.session_key is None:
            await self.acreate()
            return
        row = await self.acreate_model_instance(await self._aget_session(no_load=must_create))  # type: ignore[attr-defined]
        values: dict[str, Any] = {"session_data": row.session_data, "expire_date": row.expire_date}
        if must_create:
            try:
                await Session.async_objects.acreate(session_key=row.session_key, **values)
            except IntegrityError as error:
                raise CreateError from error
        elif not await Session.async_objects.filter(session_key=row.session_key).aupdate(**values):
            raise UpdateError

    async def adelete(self, session_key: str | None = None) -> None:
        """Delete the row of `session_key`, or of this session."""
        key = session_key or self.session_key
        if key is not None:
            await Session.async_objects.filter(session_key=key).adelete()
