"""Who a request comes from: through the whole middleware chain, to views that say what they were given."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils import timezone

from accounts import requests, tokens
from accounts.middleware import session_user
from accounts.models import Session, User
from accounts.sessions import SessionStore
from chassis.errors import Unavailable, json_response
from chassis.handler import Handler
from testing.database import count_queries, in_scope


async def who(request: HttpRequest) -> HttpResponse:
    """What the middleware found out."""
    user = await request.auser()
    return json_response([user.get_username(), getattr(request, "credential", None)])


async def remember(request: HttpRequest) -> HttpResponse:
    """Writes to the session."""
    await request.session.aset("theme", "dark")
    return json_response({})


async def broken(request: HttpRequest) -> HttpResponse:
    """Writes to the session, then fails."""
    await request.session.aset("theme", "dark")
    raise Unavailable


async def overtaken(request: HttpRequest) -> HttpResponse:
    """Writes to a session that is ended elsewhere before this request is done."""
    await request.session.aset("theme", "dark")
    await SessionStore(request.session.session_key).adelete()
    return json_response({})


async def needs_user(request: HttpRequest) -> HttpResponse:
    """Asks for what only a signed-in request has."""
    session = requests.own_session(request)
    token = requests.access_token(request)
    return json_response(
        [requests.signed_in(request).pk, requests.credential(request), session is not None, token is not None]
    )


class Urls:
    """A URL configuration of these views."""

    urlpatterns = [path(f"{view.__name__}/", view) for view in (who, remember, broken, overtaken, needs_user)]


@pytest_asyncio.fixture
async def client(database: None, make_client: Any, settings: Any) -> AsyncIterator[httpx.AsyncClient]:
    """Nobody."""
    settings.ROOT_URLCONF = Urls
    settings.SESSION_COOKIE_SECURE = False
    async with make_client(Handler()) as client:
        yield client


async def _open(user: User, backend: str) -> str:
    session = SessionStore()
    await session.aupdate(
        {SESSION_KEY: str(user.pk), BACKEND_SESSION_KEY: backend, HASH_SESSION_KEY: user.get_session_auth_hash()}
    )
    await session.acreate()
    return session.session_key or ""


@pytest_asyncio.fixture
async def signed_in(client: httpx.AsyncClient, user: User, settings: Any) -> httpx.AsyncClient:
    """Ada by session cookie."""
    client.cookies["sessionid"] = await in_scope(_open(user, settings.AUTHENTICATION_BACKENDS[0]))
    return client


async def test_nobody_costs_no_query(client: httpx.AsyncClient) -> None:
    """Without credentials there is nothing to look up."""
    with count_queries() as statements:
        assert (await client.get("/who/")).json() == ["", None]
    assert not statements


async def test_by_session(signed_in: httpx.AsyncClient) -> None:
    """Session and user, a statement each; the answer depends on the cookie, and caches are told."""
    with count_queries() as statements:
        response = await signed_in.get("/who/")
    assert (response.json(), len(statements)) == (["ada", "session"], 2)
    assert response.headers["Vary"] == "Cookie"


async def test_by_token(client: httpx.AsyncClient, user: User) -> None:
    """One statement; the scheme is written in any case."""
    secret, _ = await in_scope(tokens.issue(user))
    with count_queries() as statements:
        response = await client.get("/who/", headers={"Authorization": f"bEARER {secret}"})
    assert (response.json(), len(statements)) == (["ada", "token"], 1)


async def test_the_token_counts_where_there_is_also_a_cookie(signed_in: httpx.AsyncClient, user: User) -> None:
    """A client that sends a token means it."""
    secret, _ = await in_scope(tokens.issue(user))
    response = await signed_in.get("/needs_user/", headers={"Authorization": f"Bearer {secret}"})
    assert response.json() == [user.pk, "token", False, True]


async def test_a_bad_token_is_not_replaced_by_the_cookie(signed_in: httpx.AsyncClient) -> None:
    """It is refused, with the reason."""
    response = await signed_in.get("/who/", headers={"Authorization": "Bearer forged"})
    assert (response.status_code, response.json()) == (401, {"error": "Invalid token"})


async def test_another_scheme_is_ignored(client: httpx.AsyncClient) -> None:
    """A proxy's Basic credentials are not ours to judge."""
    assert (await client.get("/who/", headers={"Authorization": "Basic YTpi"})).json() == ["", None]


async def test_a_made_up_cookie_is_deleted(client: httpx.AsyncClient) -> None:
    """A cookie without a session is nobody's, and the client is told to drop it."""
    client.cookies["sessionid"] = "made0up0made0up0made0up0made0up0"
    response = await client.get("/who/")
    assert response.json() == ["", None]
    assert "Max-Age=0" in response.headers["set-cookie"]


async def test_an_expired_session_is_nobodys(signed_in: httpx.AsyncClient) -> None:
    """From its end on."""
    await in_scope(Session.async_objects.all().aupdate(expire_date=timezone.now() - timedelta(seconds=1)))
    assert (await signed_in.get("/who/")).json() == ["", None]


async def test_an_inactive_users_session_is_nobodys(signed_in: httpx.AsyncClient, user: User) -> None:
    """Deactivating a user ends their sessions."""
    await in_scope(User.async_objects.filter(pk=user.pk).aupdate(is_active=False))
    assert (await signed_in.get("/who/")).json() == ["", None]


async def test_a_new_password_ends_the_sessions(signed_in: httpx.AsyncClient, user: User) -> None:
    """Who stole a cookie loses it with the password's change."""
    await in_scope(User.async_objects.filter(pk=user.pk).aupdate(password="!other"))
    assert (await signed_in.get("/who/")).json() == ["", None]
    assert await in_scope(Session.async_objects.acount()) == 0


def use_a_new_key(settings: Any) -> None:
    """Sign with a new key, and know the former one."""
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "a new secret key that is long enough to be one, really"


async def test_sessions_survive_a_new_secret_key(signed_in: httpx.AsyncClient, user: User, settings: Any) -> None:
    """While the old one is among the fallbacks; the next request signs it with the new key, and needs no cookie."""
    use_a_new_key(settings)
    response = await signed_in.get("/who/")
    assert (response.json(), "set-cookie" in response.headers) == (["ada", "session"], False)
    settings.SECRET_KEY_FALLBACKS = []
    with count_queries() as statements:
        assert (await signed_in.get("/who/")).json() == ["ada", "session"]
    assert len(statements) == 2


async def test_a_new_secret_key_without_the_former(signed_in: httpx.AsyncClient, settings: Any) -> None:
    """What the former key signed is worth nothing."""
    use_a_new_key(settings)
    settings.SECRET_KEY_FALLBACKS = []
    assert (await signed_in.get("/who/")).json() == ["", None]


async def _overtaken_by(session: SessionStore, change: Any) -> User | None:
    await session.aget(SESSION_KEY)
    await change(SessionStore(session.session_key))
    return await session_user(session)


async def _remember(session: SessionStore) -> None:
    await session.aset("theme", "dark")
    await session.asave()


@pytest.mark.parametrize("change", [session_user, _remember])
async def test_signing_overtaken(signed_in: httpx.AsyncClient, user: User, settings: Any, change: Any) -> None:
    """A request that finds the session changed by another one takes over what that stored."""
    use_a_new_key(settings)
    session = SessionStore(signed_in.cookies["sessionid"])
    found = await in_scope(_overtaken_by(session, change))
    stored = dict(await in_scope(SessionStore(session.session_key).aitems()))
    assert (found, session.modified, dict(await in_scope(session.aitems()))) == (user, False, stored)
    assert stored.get("theme") == ("dark" if change is _remember else None)


async def test_signing_overtaken_by_a_sign_out(signed_in: httpx.AsyncClient, user: User, settings: Any) -> None:
    """A session that ended meanwhile stays ended."""
    use_a_new_key(settings)
    session = SessionStore(signed_in.cookies["sessionid"])
    assert await in_scope(_overtaken_by(session, SessionStore.aflush)) is None
    assert session.is_empty()
    assert await in_scope(Session.async_objects.acount()) == 0


async def test_what_a_view_remembers_is_saved(signed_in: httpx.AsyncClient) -> None:
    """And the cookie is sent again, with a new end."""
    response = await signed_in.get("/remember/")
    assert "sessionid=" in response.headers["set-cookie"]
    key = await in_scope(Session.async_objects.all().values_list("session_key", flat=True).afirst())
    assert await in_scope(SessionStore(key).aget("theme")) == "dark"


async def test_a_failed_request_saves_nothing(signed_in: httpx.AsyncClient) -> None:
    """A 5xx leaves the session as it was."""
    assert (await signed_in.get("/broken/")).status_code == 503
    key = await in_scope(Session.async_objects.all().values_list("session_key", flat=True).afirst())
    assert await in_scope(SessionStore(key).aget("theme")) is None


async def test_a_session_that_ended_meanwhile(signed_in: httpx.AsyncClient) -> None:
    """What this request wanted to remember has nowhere to go, and the client learns why."""
    response = await signed_in.get("/overtaken/")
    assert (response.status_code, response.json()) == (401, {"error": "Session ended"})


async def test_views_that_need_a_user(client: httpx.AsyncClient) -> None:
    """Nobody is 401."""
    response = await client.get("/needs_user/")
    assert (response.status_code, response.json()) == (401, {"error": "Unauthorized"})


async def test_views_that_need_a_user_get_them(signed_in: httpx.AsyncClient, user: User) -> None:
    """The user, the credential, and the session that is theirs."""
    assert (await signed_in.get("/needs_user/")).json() == [user.pk, "session", True, False]


@pytest.mark.parametrize("missing", [requests.signed_in, requests.credential])
def test_without_middleware(missing: Any, rf: Any) -> None:
    """A request that nobody looked at is nobody's."""
    request = rf.get("/")
    request.user = None
    with pytest.raises(Exception, match="Unauthorized"):
        missing(request)
