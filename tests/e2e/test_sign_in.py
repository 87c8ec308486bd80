"""Registering, signing in and out, and what each credential is good for."""

import uuid

import httpx
import pytest
from tests.e2e.people import PASSWORD, PATIENCE, NewPerson, Person, admitted, api_client, newcomer, unique
from tests.e2e.stack import Stack

# Registrations are limited by address: a run that follows another one may have to wait for the window to pass.
patient = pytest.mark.timeout(PATIENCE + 60)


@patient
async def test_registering_signs_in(stack: Stack) -> None:
    """201 with the new user, a token that works, and a session cookie that scripts cannot read."""
    username = unique("reg")
    async with api_client(stack) as client:
        body = {"username": username, "password": PASSWORD, "email": f"{username}@example.org"}
        answer = await admitted(client, "/api/register/", body)
        assert answer.status_code == 201, answer.text
        assert answer.json()["username"] == username
        cookie = next(value for value in answer.headers.get_list("Set-Cookie") if value.startswith("sessionid="))
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert ("Secure" in cookie) == stack.api.startswith("https:")
    async with api_client(stack, headers={"Authorization": f"Bearer {answer.json()['token']}"}) as client:
        me = (await client.get("/api/me/")).json()
        assert (me["username"], me["email"], me["is_staff"]) == (username, f"{username}@example.org", False)
        assert (await client.delete(f"/api/users/{me['id']}/")).status_code == 200


@patient
async def test_a_weak_password_is_refused(stack: Stack) -> None:
    """400 with words, and nobody is registered."""
    async with api_client(stack) as client:
        answer = await admitted(client, "/api/register/", {"username": unique("weak"), "password": "password"})
    assert answer.status_code == 400
    assert answer.json()["error"]


@patient
async def test_a_name_is_taken_once(stack: Stack, alice: Person) -> None:
    """Registering with somebody's name is 409."""
    async with api_client(stack) as client:
        answer = await admitted(client, "/api/register/", {"username": alice.username, "password": PASSWORD})
    assert (answer.status_code, answer.json()["error"]) == (409, "Username is taken")


@pytest.mark.smoke
async def test_signing_in_tells_who_it_is(stack: Stack) -> None:
    """200 with `authenticated`, a token and the user."""
    async with api_client(stack) as client:
        login = {"username": stack.demo.username, "password": stack.demo.password}
        answer = await admitted(client, "/api/login/", login)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["authenticated"] is True
    assert body["user"]["username"] == stack.demo.username
    assert body["token"]
    assert "sessionid" in answer.cookies


@pytest.mark.parametrize("known", [True, False], ids=["wrong-password", "unknown-user"])
async def test_a_wrong_login_does_not_tell_what_was_wrong(stack: Stack, new_person: NewPerson, *, known: bool) -> None:
    """401 `{"authenticated": false}` in the same words for a wrong password and an unknown name, without a cookie."""
    username = (await new_person("guess")).username if known else unique("nobody")
    async with api_client(stack) as client:
        answer = await admitted(client, "/api/login/", {"username": username, "password": "not the password"})
    assert answer.status_code == 401
    assert answer.json() == {"authenticated": False, "error": "Wrong username or password"}
    assert "sessionid" not in answer.cookies


async def test_guessing_is_slowed_down(stack: Stack) -> None:
    """After some wrong passwords for one name the answer is 429, with the seconds to wait."""
    login = {"username": unique("guessed"), "password": "not the password"}
    async with api_client(stack) as client:
        for _ in range(25):
            answer = await client.post("/api/login/", json=login)
            if answer.status_code != 401:
                break
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) >= 1
    assert answer.json()["error"]


async def test_me_by_token(alice: Person) -> None:
    """A Bearer token says who asks; it needs no CSRF token, so none is given."""
    me = (await alice.client.get("/api/me/")).json()
    assert (me["id"], me["username"], me["credential"]) == (alice.id, alice.username, "token")
    assert me["csrf_token"] is None


async def test_me_by_cookie(stack: Stack, alice: Person) -> None:
    """A session cookie says the same and brings the CSRF token for writes."""
    async with api_client(stack, headers={"Cookie": alice.cookie}) as client:
        me = (await client.get("/api/me/")).json()
    assert (me["username"], me["credential"]) == (alice.username, "session")
    assert me["csrf_token"]


def _as_browser(stack: Stack, person: Person, origin: str | None = None) -> httpx.AsyncClient:
    headers = {"Cookie": person.cookie, "X-CSRFToken": person.csrf_token, "Origin": origin or stack.origin}
    return api_client(stack, headers=headers)


@pytest.mark.parametrize("missing", ["token", "origin"])
async def test_a_cookie_alone_writes_nothing(stack: Stack, alice: Person, missing: str) -> None:
    """A write by cookie without its CSRF token, or from another site, is 403 and does nothing."""
    key = unique("key")
    async with _as_browser(stack, alice, "https://evil.example" if missing == "origin" else None) as client:
        if missing == "token":
            del client.headers["X-CSRFToken"]
        answer = await client.post("/api/session/", json={"key": key, "value": 1})
        assert answer.status_code == 403, answer.text
        assert answer.json()["error"] == "CSRF check failed"
        assert key not in (await client.get("/api/session/")).json()["session"]


async def test_the_session_remembers(stack: Stack, alice: Person) -> None:
    """What one request writes to the session the next one reads; null forgets it."""
    key, value = unique("key"), {"nested": [1, None, "\u00fc"], "at": str(uuid.uuid4())}
    async with _as_browser(stack, alice) as client:
        written = await client.post("/api/session/", json={"key": key, "value": value})
        assert written.status_code == 200, written.text
        assert (await client.get("/api/session/")).json()["session"][key] == value
        forgotten = await client.post("/api/session/", json={"key": key, "value": None})
        assert key not in forgotten.json()["session"]


async def test_a_token_has_no_session(alice: Person) -> None:
    """Who comes with a token has no session to read: 403."""
    assert (await alice.client.get("/api/session/")).status_code == 403


async def test_signing_out_ends_the_token(stack: Stack, staff: Person) -> None:
    """The token is refused from then on; the session of the same person goes on."""
    async with newcomer(stack, staff, "leaver") as person:
        answer = await person.client.post("/api/logout/")
        assert (answer.status_code, answer.json()) == (200, {"logged_out": True})
        assert (await person.client.get("/api/me/")).json() == {"error": "Invalid token"}
        async with _as_browser(stack, person) as browser:
            assert (await browser.get("/api/me/")).status_code == 200


async def test_signing_out_ends_the_session(stack: Stack, staff: Person) -> None:
    """The cookie is worth nothing from then on; the token of the same person goes on."""
    async with newcomer(stack, staff, "leaver") as person:
        async with _as_browser(stack, person) as browser:
            answer = await browser.post("/api/logout/")
            assert (answer.status_code, answer.json()) == (200, {"logged_out": True})
        async with api_client(stack, headers={"Cookie": person.cookie}) as browser:
            assert (await browser.get("/api/me/")).status_code == 401
        assert (await person.client.get("/api/me/")).status_code == 200


async def test_a_ticket_says_how_to_use_it(stack: Stack, alice: Person) -> None:
    """201 with the secret, its seconds, its room and the URL to open, which carries no secret."""
    answer = await alice.client.post("/api/ws-ticket/", json={"room": "lobby"})
    assert answer.status_code == 201
    body = answer.json()
    assert (body["room"], body["expires_in"]) == ("lobby", 30)
    assert body["url"].startswith(("ws://", "wss://"))
    assert body["url"].endswith("/ws/chat/lobby/")
    assert body["ticket"] not in body["url"]


@pytest.mark.parametrize(("room", "status"), [("staff", 403), ("a.b", 404), ("a b", 404)])
async def test_a_ticket_is_only_for_rooms_one_may_enter(alice: Person, room: str, status: int) -> None:
    """No ticket to a private room of others, nor to one that does not exist."""
    assert (await alice.client.post("/api/ws-ticket/", json={"room": room})).status_code == status
