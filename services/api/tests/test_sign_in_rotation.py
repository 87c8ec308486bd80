"""A new SECRET_KEY signs out no browser, however many requests it has under way."""

import asyncio
from typing import Any

import httpx

from accounts.models import Session
from accounts.sessions import SessionStore
from testing.database import in_scope

AT_ONCE = 8


def use_a_new_key(settings: Any) -> None:
    """Sign with a new key, and know the former one."""
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a-new-key-" * 5, [settings.SECRET_KEY]


def cookies(client: httpx.AsyncClient) -> set[str | None]:
    """Every session cookie that the browser was given."""
    return {cookie.value for cookie in client.cookies.jar if cookie.name == "sessionid"}


async def keys() -> list[str]:
    """The keys of all sessions."""

    async def read() -> list[str]:
        return [key async for key in Session.async_objects.all().values_list("session_key", flat=True)]

    return await in_scope(read())


async def test_requests_at_once(session_client: httpx.AsyncClient, settings: Any) -> None:
    """All of them are signed in, with the cookie that the browser has, by the session that it had."""
    (key,) = cookies(session_client)
    use_a_new_key(settings)
    answers = await asyncio.gather(*(session_client.get("/api/session/") for _ in range(AT_ONCE)))
    assert [answer.status_code for answer in answers] == [200] * AT_ONCE
    assert (cookies(session_client), await keys()) == ({key}, [key])
    settings.SECRET_KEY_FALLBACKS = []
    assert (await session_client.get("/api/session/")).status_code == 200


async def test_writes_at_once(session_client: httpx.AsyncClient, settings: Any) -> None:
    """What the session remembers stays, while some of the requests write to it."""
    await session_client.post("/api/session/", json={"key": "before", "value": 1})
    (key,) = cookies(session_client)
    use_a_new_key(settings)
    put = session_client.post("/api/session/", json={"key": "during", "value": 2})
    *answers, _ = await asyncio.gather(*(session_client.get("/api/session/") for _ in range(AT_ONCE)), put)
    assert [answer.status_code for answer in answers] == [200] * AT_ONCE
    assert (await session_client.get("/api/session/")).json()["session"] == {"before": 1, "during": 2}
    assert (cookies(session_client), await keys()) == ({key}, [key])


async def test_signed_out_meanwhile(session_client: httpx.AsyncClient, settings: Any) -> None:
    """Requests that are under way while the session ends do not bring it back."""
    (key,) = cookies(session_client)
    use_a_new_key(settings)
    requests = [asyncio.create_task(session_client.get("/api/session/")) for _ in range(AT_ONCE)]
    await in_scope(SessionStore(str(key)).adelete())
    answers = await asyncio.gather(*requests)
    assert {answer.status_code for answer in answers} <= {200, 401}
    assert await keys() == []


async def test_without_the_former_key(session_client: httpx.AsyncClient, settings: Any) -> None:
    """A session that was signed with a key which is not known any more is refused."""
    use_a_new_key(settings)
    settings.SECRET_KEY_FALLBACKS = []
    assert (await session_client.get("/api/session/")).status_code == 401
