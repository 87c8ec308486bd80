"""The session store: Django's semantics on the true async connection."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.backends.base import CreateError, UpdateError
from django.utils import timezone

from accounts.models import Session
from accounts.sessions import SessionStore
from testing.database import in_scope

pytestmark = pytest.mark.usefixtures("database")


async def _new(**data: Any) -> str:
    session = SessionStore()
    await session.aupdate(data)
    await session.asave()
    return session.session_key or ""


async def _save(session: SessionStore, key: str, value: Any) -> None:
    await session.aset(key, value)
    await session.asave()


async def test_what_is_saved_is_loaded() -> None:
    """Under a key that the store chose."""
    key = await in_scope(_new(theme="dark"))
    assert await in_scope(SessionStore(key).aget("theme")) == "dark"


async def test_an_expired_session_is_empty() -> None:
    """Its row may still be there; it is not read."""
    key = await in_scope(_new(theme="dark"))
    await in_scope(Session.async_objects.all().aupdate(expire_date=timezone.now() - timedelta(seconds=1)))
    assert await in_scope(SessionStore(key).aget("theme")) is None


async def test_a_made_up_key_is_not_adopted() -> None:
    """A client cannot choose the key of its session."""
    session = SessionStore("made0up0made0up0made0up0made0up0")
    await in_scope(_save(session, "theme", "dark"))
    assert session.session_key != "made0up0made0up0made0up0made0up0"


async def test_a_taken_key() -> None:
    """Creating under a key that exists fails, so that two sessions never share one."""
    key = await in_scope(_new())
    with pytest.raises(CreateError):
        await in_scope(SessionStore(key).asave(must_create=True))


async def test_a_session_deleted_meanwhile() -> None:
    """Saving does not bring back what another request ended."""
    key = await in_scope(_new())
    session = SessionStore(key)
    await in_scope(session.aget("theme"))
    await in_scope(SessionStore(key).adelete())
    with pytest.raises(UpdateError):
        await in_scope(_save(session, "theme", "dark"))


async def test_a_new_key_keeps_the_data() -> None:
    """Rotation moves the data and leaves nothing under the old key."""
    key = await in_scope(_new(theme="dark"))
    session = SessionStore(key)
    await in_scope(session.acycle_key())
    assert session.session_key != key
    assert await in_scope(SessionStore(session.session_key).aget("theme")) == "dark"
    assert await in_scope(session.aexists(key)) is False


async def test_flushing_deletes_the_row() -> None:
    """Signing out leaves nothing."""
    key = await in_scope(_new(theme="dark"))
    await in_scope(SessionStore(key).aflush())
    assert await in_scope(Session.async_objects.acount()) == 0


async def test_deleting_a_session_that_never_was() -> None:
    """Nothing to do, and nothing done."""
    await in_scope(_new())
    await in_scope(SessionStore().adelete())
    assert await in_scope(Session.async_objects.acount()) == 1


def test_djangos_way_to_the_store() -> None:
    """Django's own code finds the store through the model, and the model through the store."""
    assert Session.get_session_store_class() is SessionStore
    assert SessionStore.get_model_class() is Session
