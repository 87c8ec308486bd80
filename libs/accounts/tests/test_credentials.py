"""Does a credential still stand: asked long after it was shown."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import HASH_SESSION_KEY
from django.utils import timezone

from accounts import credentials, events, tokens
from accounts.credentials import STANDS, Credential
from accounts.models import AccessToken, Session, User
from accounts.secrets import digest
from accounts.sessions import SessionStore
from chassis.bus import Event
from chassis.database import fetch_all
from testing.database import in_scope


async def stands(held: Credential) -> bool:
    """What the condition says of one credential."""
    rows = await in_scope(
        fetch_all(
            f"SELECT {STANDS} FROM (VALUES (%s::bigint, %s, %s::bigint, %s))"  # noqa: S608 - constant
            " AS held (user_id, session_key, access_token_id, password)",
            (held.user_id, held.session_key, held.access_token_id, held.password),
        )
    )
    return bool(rows[0][0])


async def by_session(user: User) -> Credential:
    """A new session of `user`."""
    session = SessionStore()
    await session.aset(HASH_SESSION_KEY, user.get_session_auth_hash())
    await in_scope(session.asave())
    return credentials.by_session(user, session.session_key or "")


async def by_token(user: User) -> Credential:
    """A new token of `user`."""
    _, token = await in_scope(tokens.issue(user))
    return Credential(user.pk, access_token_id=token.pk)


async def change(user: User, **fields: Any) -> None:
    """Change the user's row."""
    await in_scope(User.async_objects.filter(pk=user.pk).aupdate(**fields))


async def test_valid(user: User) -> None:
    """A session, a token, and a user without either."""
    for held in (await by_session(user), await by_token(user), Credential(user.pk)):
        assert await stands(held)


async def test_session_ended(user: User) -> None:
    """A session whose row is gone has ended; others of the user have not."""
    ended, other = await by_session(user), await by_session(user)
    await in_scope(SessionStore(ended.session_key).adelete())
    assert not await stands(ended)
    assert await stands(other)


async def test_session_expired(user: User) -> None:
    """The row may be there for long after."""
    held = await by_session(user)
    await in_scope(Session.async_objects.all().aupdate(expire_date=timezone.now()))
    assert not await stands(held)


async def test_password_changed(user: User) -> None:
    """Sessions end with the password that they were opened with; tokens do not."""
    session, token = await by_session(user), await by_token(user)
    await change(user, password="!another")
    assert not await stands(session)
    assert await stands(token)


async def test_secret_key_rotated(user: User, settings: Any) -> None:
    """A session that was signed with a former key goes on, though every hash is another now."""
    held = await by_session(user)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a new key", [settings.SECRET_KEY]
    assert await stands(held)
    assert credentials.by_session(user, held.session_key) == held


@pytest.mark.parametrize("lifetime", [timedelta(0), -tokens.LIFETIME])
async def test_token_expired(user: User, lifetime: timedelta) -> None:
    """A token ends at its time."""
    held = await by_token(user)
    await in_scope(AccessToken.async_objects.all().aupdate(expires_at=timezone.now() + lifetime))
    assert not await stands(held)


async def test_token_revoked(user: User) -> None:
    """A token whose row is gone was revoked."""
    held = await by_token(user)
    await in_scope(AccessToken.async_objects.filter(pk=held.access_token_id).adelete())
    assert not await stands(held)


async def test_user_deactivated(user: User) -> None:
    """Nothing of an inactive user stands."""
    held = [await by_session(user), await by_token(user), Credential(user.pk)]
    await change(user, is_active=False)
    assert [await stands(each) for each in held] == [False] * 3


async def test_user_deleted(user: User) -> None:
    """Nor of one who is gone; sessions have no foreign key, and stay behind."""
    held = [await by_session(user), await by_token(user), Credential(user.pk)]
    await in_scope(User.async_objects.filter(pk=user.pk).adelete())
    assert [await stands(each) for each in held] == [False] * 3


SESSION, TOKEN = Credential(1, "key"), Credential(1, access_token_id=7)


@pytest.mark.parametrize(
    ("data", "ended"),
    [
        ({"session": None, "access_token": None}, [SESSION, TOKEN]),
        ({"session": digest("key"), "access_token": None}, [SESSION]),
        ({"session": digest("other"), "access_token": None}, []),
        ({"session": None, "access_token": 7}, [TOKEN]),
        ({"session": None, "access_token": 8}, []),
    ],
)
def test_what_an_event_ends(data: dict[str, Any], ended: list[Credential]) -> None:
    """Signing out in one place ends that credential; deactivation ends all."""
    event = Event(events.SIGNED_OUT, {"user": 1, **data})
    assert [held for held in (SESSION, TOKEN) if events.ends(event, held)] == ended


@pytest.mark.parametrize("data", [{"user": 2}, {"user": "1"}, {}])
def test_event_of_another_user_ends_nothing(data: dict[str, Any]) -> None:
    """All users' events come in one group."""
    assert not events.ends(Event(events.SIGNED_OUT, data), SESSION)


def test_another_event_ends_nothing() -> None:
    """A newer release may tell more in this group."""
    assert not events.ends(Event("accounts.invented", {"user": 1}), SESSION)
