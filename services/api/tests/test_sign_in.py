"""Registering, signing in and out, and who the server says one is."""

from collections import Counter
from datetime import timedelta

import httpx
import pytest
import pytest_asyncio
from django.contrib.auth.hashers import make_password
from django.utils import timezone

from accounts import tokens
from accounts.models import AccessToken, Session, User
from testing.database import count_queries, in_scope
from testing.people import make_user

PASSWORD = "correct horse battery staple"
JSON = "application/json"


@pytest.fixture(scope="session")
def encoded() -> str:
    """`PASSWORD` hashed once for all: it takes longer than most tests."""
    return make_password(PASSWORD)


@pytest.fixture(autouse=True)
def _plain_http(settings: object, clean_redis: object) -> None:
    """Cookies go over plain HTTP here, and no test meets the attempts that another one made."""
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = False  # type: ignore[attr-defined]


@pytest_asyncio.fixture
async def hopper(database: None, encoded: str) -> User:
    """An active user with `PASSWORD`."""
    user = await make_user("hopper")
    await in_scope(User.async_objects.filter(pk=user.pk).aupdate(password=encoded))
    return user


async def login(client: httpx.AsyncClient, username: str = "hopper", password: str = PASSWORD) -> httpx.Response:
    """One attempt."""
    return await client.post("/api/login/", json={"username": username, "password": password})


async def register(client: httpx.AsyncClient, **fields: str) -> httpx.Response:
    """One registration."""
    return await client.post("/api/register/", json={"username": "lovelace", "password": PASSWORD, **fields})


def by_token(response: httpx.Response) -> dict[str, str]:
    """The header made from the token in `response`."""
    return {"Authorization": f"Bearer {response.json()['token']}"}


async def test_register_answers_the_user_and_a_token(client: httpx.AsyncClient) -> None:
    """201 with id, name, token, its expiry and a CSRF token."""
    response = await register(client)
    assert response.status_code == 201
    assert set(response.json()) == {"id", "username", "token", "expires_at", "csrf_token"}


async def test_register_signs_in_by_cookie(client: httpx.AsyncClient) -> None:
    """The session cookie of a registration is enough for the next request."""
    await register(client)
    assert (await client.get("/api/me/")).json()["credential"] == "session"


async def test_register_signs_in_by_token(client: httpx.AsyncClient) -> None:
    """The token of a registration is enough without the cookie."""
    headers = by_token(await register(client))
    client.cookies.clear()
    me = (await client.get("/api/me/", headers=headers)).json()
    assert (me["username"], me["credential"]) == ("lovelace", "token")


async def test_register_keeps_the_email(client: httpx.AsyncClient) -> None:
    """The optional email is stored."""
    await register(client, email="ada@example.org")
    assert (await client.get("/api/me/")).json()["email"] == "ada@example.org"


async def test_register_taken_name(client: httpx.AsyncClient, hopper: User) -> None:
    """A taken name is 409."""
    response = await register(client, username="hopper")
    assert (response.status_code, response.json()) == (409, {"error": "Username is taken"})


async def test_register_weak_password(client: httpx.AsyncClient) -> None:
    """A weak password is 400 with every reason."""
    response = await register(client, password="1234")
    assert response.status_code == 400
    assert len(response.json()["reasons"]) == 3


@pytest.mark.parametrize("fields", [{"username": "a b"}, {"username": ""}, {"email": "nobody"}, {"is_staff": "true"}])
async def test_register_refuses_malformed_fields(client: httpx.AsyncClient, fields: dict[str, str]) -> None:
    """A malformed name or email, and a field that nobody may set, are 400."""
    assert (await register(client, **fields)).status_code == 400


async def test_login(client: httpx.AsyncClient, hopper: User) -> None:
    """200 with the user, a token and a CSRF token."""
    response = await login(client)
    body = response.json()
    assert (response.status_code, body["authenticated"]) == (200, True)
    assert body["user"] == {
        "id": hopper.pk,
        "username": "hopper",
        "email": "hopper@example.org",
        "is_staff": False,
    }
    assert set(body) == {"authenticated", "user_id", "user", "token", "expires_at", "csrf_token"}


async def test_login_cookie_is_not_for_scripts(client: httpx.AsyncClient, hopper: User) -> None:
    """The session cookie is HttpOnly and SameSite=Lax."""
    cookies = (await login(client)).headers.get_list("set-cookie")
    session = next(cookie for cookie in cookies if cookie.startswith("sessionid="))
    assert "HttpOnly" in session
    assert "SameSite=Lax" in session


@pytest.mark.parametrize(("username", "password"), [("hopper", "wrong"), ("nobody", PASSWORD)])
async def test_login_refused(client: httpx.AsyncClient, hopper: User, username: str, password: str) -> None:
    """A wrong password and an unknown name get the same 401."""
    response = await login(client, username, password)
    assert (response.status_code, response.json()) == (
        401,
        {"authenticated": False, "error": "Wrong username or password"},
    )
    assert "set-cookie" not in response.headers


async def test_login_of_an_inactive_user_is_refused(client: httpx.AsyncClient, hopper: User) -> None:
    """The right password of an inactive user gets the 401 of a wrong one."""
    await in_scope(User.async_objects.filter(pk=hopper.pk).aupdate(is_active=False))
    response = await login(client)
    assert (response.status_code, response.json()["error"]) == (401, "Wrong username or password")


@pytest.mark.parametrize("case", ["right", "wrong", "unknown", "inactive", "unusable"])
async def test_login_always_checks_one_password(
    client: httpx.AsyncClient, hopper: User, executor_work: Counter[str], case: str
) -> None:
    """Whatever is wrong, exactly one password is checked, so that time tells nothing about who exists."""
    if case == "inactive":
        await in_scope(User.async_objects.filter(pk=hopper.pk).aupdate(is_active=False))
    if case == "unusable":
        await in_scope(User.async_objects.filter(pk=hopper.pk).aupdate(password="!"))
    await login(client, "nobody" if case == "unknown" else "hopper", "wrong" if case == "wrong" else PASSWORD)
    assert executor_work["argon2"] == 1


async def test_login_visits_no_thread_but_argon2s(
    client: httpx.AsyncClient, hopper: User, executor_work: Counter[str]
) -> None:
    """Sessions, signals and tokens stay on the event loop."""
    await login(client)
    assert set(executor_work) == {"argon2"}


async def test_signing_out_visits_no_thread(
    client: httpx.AsyncClient, hopper: User, executor_work: Counter[str]
) -> None:
    """Neither does the end of a session."""
    token = (await login(client)).json()["csrf_token"]
    executor_work.clear()
    assert (await client.post("/api/logout/", headers={"X-CSRFToken": token})).status_code == 200
    assert not executor_work


async def test_login_queries(client: httpx.AsyncClient, hopper: User) -> None:
    """Five statements: user, is the new key free, session, token, and the session's data."""
    with count_queries() as statements:
        await login(client)
    assert len(statements) == 5


async def test_login_gives_the_session_a_new_key(client: httpx.AsyncClient, hopper: User) -> None:
    """A session key that somebody planted before is worth nothing after."""
    planted = "planted0000000000000000000000000"
    client.cookies.set("sessionid", planted)
    await login(client)
    assert await in_scope(Session.async_objects.filter(session_key=planted).aexists()) is False


async def test_login_as_another_user_ends_the_first_session(client: httpx.AsyncClient, hopper: User) -> None:
    """Nothing of one user's session is left for the next one."""
    first = (await register(client)).json()
    await client.post("/api/session/", json={"key": "secret", "value": 1}, headers={"X-CSRFToken": first["csrf_token"]})
    response = await client.post(
        "/api/login/",
        json={"username": "hopper", "password": PASSWORD},
        headers={"X-CSRFToken": first["csrf_token"]},
    )
    assert response.status_code == 200
    assert (await client.get("/api/session/")).json()["session"] == {}


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/x-www-form-urlencoded"])
async def test_login_takes_json_only(client: httpx.AsyncClient, hopper: User, content_type: str | None) -> None:
    """What a form or a script of another origin can send without asking is not parsed."""
    body = f'{{"username": "hopper", "password": "{PASSWORD}"}}'
    headers = {"Content-Type": content_type} if content_type else {}
    response = await client.post("/api/login/", content=body, headers=headers)
    assert response.status_code == 400


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"username": 1e999}', b"", b"null", b"\xff"])
async def test_login_refuses_what_no_client_sends(client: httpx.AsyncClient, body: bytes) -> None:
    """Bodies that break parsers are 400."""
    assert (await client.post("/api/login/", content=body, headers={"Content-Type": JSON})).status_code == 400


async def test_a_body_over_the_limit(client: httpx.AsyncClient) -> None:
    """More than `MAX_BODY_BYTES` is 413."""
    response = await client.post("/api/login/", content=b" " * 2**21, headers={"Content-Type": JSON})
    assert (response.status_code, response.json()) == (413, {"error": "Payload too large"})


async def test_me_needs_a_user(client: httpx.AsyncClient) -> None:
    """Without credentials: 401."""
    response = await client.get("/api/me/")
    assert (response.status_code, response.json()) == (401, {"error": "Unauthorized"})
    assert response.headers["WWW-Authenticate"] == "Bearer"


async def test_me_by_token(user_client: httpx.AsyncClient, user: User) -> None:
    """A token needs no CSRF token, so there is none."""
    assert (await user_client.get("/api/me/")).json() == {
        "id": user.pk,
        "username": "ada",
        "email": "ada@example.org",
        "is_staff": False,
        "credential": "token",
        "csrf_token": None,
    }


async def test_logout_ends_the_session(client: httpx.AsyncClient, hopper: User) -> None:
    """The session's row is gone, and so is the cookie."""
    token = (await login(client)).json()["csrf_token"]
    response = await client.post("/api/logout/", headers={"X-CSRFToken": token})
    assert (response.status_code, response.json()) == (200, {"logged_out": True})
    assert await in_scope(Session.async_objects.acount()) == 0
    assert "sessionid" not in client.cookies


async def test_logout_leaves_the_token(client: httpx.AsyncClient, hopper: User) -> None:
    """Ending the session does not end the token that was issued with it."""
    response = await login(client)
    await client.post("/api/logout/", headers={"X-CSRFToken": response.json()["csrf_token"]})
    assert (await client.get("/api/me/", headers=by_token(response))).status_code == 200


async def test_logout_revokes_the_token(user_client: httpx.AsyncClient) -> None:
    """Signed in by a token, it is the token that ends."""
    await user_client.post("/api/logout/")
    response = await user_client.get("/api/me/")
    assert (response.status_code, response.json()) == (401, {"error": "Invalid token"})


async def test_logout_needs_a_user(client: httpx.AsyncClient) -> None:
    """Nobody cannot sign out."""
    assert (await client.post("/api/logout/")).status_code == 401


async def test_an_expired_token(client: httpx.AsyncClient, user: User) -> None:
    """A token is refused from its expiry on."""
    secret, token = await in_scope(tokens.issue(user))
    past = timezone.now() - timedelta(seconds=1)
    await in_scope(AccessToken.async_objects.filter(pk=token.pk).aupdate(expires_at=past))
    response = await client.get("/api/me/", headers={"Authorization": f"Bearer {secret}"})
    assert (response.status_code, response.json()) == (401, {"error": "Invalid token"})


@pytest.mark.parametrize("path", ["/api/me/", "/api/login/", "/api/register/", "/api/async/", "/health/", "/nowhere/"])
async def test_a_bad_token_is_refused_everywhere(client: httpx.AsyncClient, path: str) -> None:
    """Also on public endpoints: a client that believes to be signed in must learn that it is not."""
    response = await client.get(path, headers={"Authorization": "Bearer forged"})
    assert (response.status_code, response.json()) == (401, {"error": "Invalid token"})
