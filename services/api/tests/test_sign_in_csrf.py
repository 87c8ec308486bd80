"""Writes that a session cookie authenticates need a CSRF token and the right origin; a Bearer token needs neither."""

import httpx
import pytest_asyncio
from django.contrib.auth.hashers import make_password

from accounts.models import User
from testing.database import in_scope
from testing.people import bearer

CREDENTIALS = {"username": "ada", "password": "correct horse battery staple"}
ITEM = {"key": "theme", "value": "dark"}


@pytest_asyncio.fixture
async def ada(user: User, clean_redis: object) -> User:
    """Ada, who can also sign in with a password."""
    await in_scope(User.async_objects.filter(pk=user.pk).aupdate(password=make_password(CREDENTIALS["password"])))
    return user


async def write(client: httpx.AsyncClient, **headers: str) -> httpx.Response:
    """A write that a session authenticates."""
    return await client.post("/api/session/", json=ITEM, headers=headers)


async def test_with_the_token(session_client: httpx.AsyncClient) -> None:
    """With the token in its header: done."""
    assert (await write(session_client)).status_code == 200


async def test_with_the_cookies_value(session_client: httpx.AsyncClient) -> None:
    """A page may also send what its script reads from the CSRF cookie."""
    assert (await write(session_client, **{"X-CSRFToken": session_client.cookies["csrftoken"]})).status_code == 200


async def test_with_the_token_that_me_answers(session_client: httpx.AsyncClient) -> None:
    """A page that was reloaded asks `/api/me/` for a token."""
    token = (await session_client.get("/api/me/")).json()["csrf_token"]
    assert (await write(session_client, **{"X-CSRFToken": token})).status_code == 200


async def test_without_the_token(session_client: httpx.AsyncClient) -> None:
    """Without it: 403, and why."""
    del session_client.headers["X-CSRFToken"]
    response = await write(session_client)
    assert (response.status_code, response.json()["error"]) == (403, "CSRF check failed")
    assert response.json()["reason"]


async def test_with_a_forged_token(session_client: httpx.AsyncClient) -> None:
    """A token of another secret is refused."""
    assert (await write(session_client, **{"X-CSRFToken": "x" * 64})).status_code == 403


async def test_from_another_origin(session_client: httpx.AsyncClient) -> None:
    """The token does not help a page of another origin."""
    assert (await write(session_client, Origin="https://evil.example")).status_code == 403


async def test_from_a_trusted_origin(session_client: httpx.AsyncClient) -> None:
    """The own origin is right."""
    assert (await write(session_client, Origin="http://testserver")).status_code == 200


async def test_logout_without_the_token(session_client: httpx.AsyncClient) -> None:
    """Nobody is signed out by a foreign page."""
    del session_client.headers["X-CSRFToken"]
    assert (await session_client.post("/api/logout/")).status_code == 403
    assert (await session_client.get("/api/me/")).status_code == 200


async def test_login_while_signed_in_without_the_token(session_client: httpx.AsyncClient) -> None:
    """Nobody is signed in as somebody else by a foreign page."""
    del session_client.headers["X-CSRFToken"]
    assert (await session_client.post("/api/login/", json=CREDENTIALS)).status_code == 403


async def test_login_changes_the_secret(
    client: httpx.AsyncClient, session_client: httpx.AsyncClient, ada: User
) -> None:
    """A token from before a sign-in is worth nothing after it."""
    before = session_client.headers["X-CSRFToken"]
    client.cookies["csrftoken"] = session_client.cookies["csrftoken"]
    assert (await client.post("/api/login/", json=CREDENTIALS)).status_code == 200
    assert (await write(client, **{"X-CSRFToken": before})).status_code == 403


async def test_bearer_needs_no_token(user_client: httpx.AsyncClient) -> None:
    """No browser sends a Bearer token on its own."""
    response = await user_client.post("/api/logout/", headers={"Origin": "https://elsewhere.example"})
    assert response.status_code == 200


async def test_bearer_beside_a_cookie(session_client: httpx.AsyncClient, user: User) -> None:
    """With both, the token authenticates, so no CSRF token is needed."""
    del session_client.headers["X-CSRFToken"]
    assert (await session_client.post("/api/logout/", headers=await bearer(user))).status_code == 200


async def test_anonymous_writes_need_no_token(client: httpx.AsyncClient) -> None:
    """There is nothing to abuse: no cookie says who asks."""
    assert (await client.post("/api/items/", json={})).status_code == 201
