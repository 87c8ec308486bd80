"""People of the suite's own, with random names: nothing here depends on, or disturbs, who else uses the stack."""

import contextlib
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx
from tests.e2e.recording import poll
from tests.e2e.sockets import Entry
from tests.e2e.stack import Login, Stack

PASSWORD = "correct horse battery 7"
# Longer than the longest window of a rate limit (a minute): another run from this address may have used it up.
PATIENCE = 75.0
TIMEOUT = httpx.Timeout(60)


type NewPerson = Callable[[str], Awaitable["Person"]]


def unique(prefix: str) -> str:
    """A name that nobody else has."""
    return f"{prefix}_{uuid.uuid4().hex[:12]}"


@dataclass(slots=True)
class Person:
    """Somebody with an account; `client` carries their Bearer token, `cookie` is their session."""

    id: int
    username: str
    password: str
    token: str
    csrf_token: str
    cookie: str
    client: httpx.AsyncClient

    async def ticket(self, room: str) -> Entry:
        """A fresh ticket for one socket in `room`."""
        answer = await self.client.post("/api/ws-ticket/", json={"room": room})
        assert answer.status_code == 201, answer.text
        return Entry(ticket=answer.json()["ticket"])


def api_client(stack: Stack, **options: Any) -> httpx.AsyncClient:
    """A client of the api that is nobody yet."""
    return httpx.AsyncClient(base_url=stack.api, timeout=TIMEOUT, **options)


async def admitted(client: httpx.AsyncClient, path: str, body: Any, **options: Any) -> httpx.Response:
    """POST, again for as long as the answer is 429: the limits count all runs of the suite from one address."""

    async def ask() -> httpx.Response | None:
        answer = await client.post(path, json=body, **options)
        return answer if answer.status_code != 429 else None

    return await poll(ask, f"answer to {path} but 429", within=PATIENCE, every=2)


@contextlib.asynccontextmanager
async def signed_in(stack: Stack, login: Login) -> AsyncIterator[Person]:
    """Somebody who exists, after a login of their own."""
    async with api_client(stack) as nobody:
        answer = await admitted(nobody, "/api/login/", {"username": login.username, "password": login.password})
        assert answer.status_code == 200, answer.text
        cookie = "; ".join(f"{name}={value}" for name, value in answer.cookies.items())
    body = answer.json()
    async with api_client(stack, headers={"Authorization": f"Bearer {body['token']}"}) as client:
        yield Person(
            body["user"]["id"], login.username, login.password, body["token"], body["csrf_token"], cookie, client
        )


@contextlib.asynccontextmanager
async def newcomer(stack: Stack, staff: Person, prefix: str) -> AsyncIterator[Person]:
    """Somebody new, gone afterwards.

    Made by staff, because registrations are limited by address and a suite needs more than a person a minute.
    """
    login = Login(unique(prefix), PASSWORD)
    created = await staff.client.post(
        "/api/users/",
        json={"username": login.username, "password": login.password, "email": f"{login.username}@example.org"},
    )
    assert created.status_code == 201, created.text
    async with signed_in(stack, login) as person:
        yield person
    # A test may have deleted them already.
    assert (await staff.client.delete(f"/api/users/{person.id}/")).status_code in {200, 404}
