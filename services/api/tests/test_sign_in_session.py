"""Session data read and written from an async view."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from django.utils import timezone

from accounts.models import Session
from api.sign_in.schemas import SESSION_KEYS_MAX
from testing.database import count_queries, in_scope


async def put(client: httpx.AsyncClient, key: str, value: Any) -> httpx.Response:
    """One value."""
    return await client.post("/api/session/", json={"key": key, "value": value})


async def test_empty(session_client: httpx.AsyncClient) -> None:
    """Django's own entries (who is signed in) are not shown."""
    assert (await session_client.get("/api/session/")).json()["session"] == {}


async def test_written_and_read(session_client: httpx.AsyncClient) -> None:
    """What one request writes, the answer and the next request show."""
    written = await put(session_client, "theme", {"dark": True})
    assert written.json()["session"] == {"theme": {"dark": True}}
    assert (await session_client.get("/api/session/")).json()["session"] == {"theme": {"dark": True}}


async def test_a_key_is_overwritten(session_client: httpx.AsyncClient) -> None:
    """A second value replaces the first."""
    await put(session_client, "theme", "dark")
    assert (await put(session_client, "theme", "light")).json()["session"] == {"theme": "light"}


async def test_null_forgets(session_client: httpx.AsyncClient) -> None:
    """Null removes the key."""
    await put(session_client, "theme", "dark")
    assert (await put(session_client, "theme", None)).json()["session"] == {}


async def test_expiry_is_the_sessions(session_client: httpx.AsyncClient) -> None:
    """Reading shows when the row ends, which is not moved by reading."""
    ends = timezone.now() + timedelta(minutes=5)
    await in_scope(Session.async_objects.all().aupdate(expire_date=ends))
    shown = (await session_client.get("/api/session/")).json()["expires_at"]
    assert datetime.fromisoformat(shown) == ends


async def test_writing_prolongs(session_client: httpx.AsyncClient) -> None:
    """Writing moves the end two weeks ahead again."""
    ends = timezone.now() + timedelta(minutes=5)
    await in_scope(Session.async_objects.all().aupdate(expire_date=ends))
    await put(session_client, "theme", "dark")
    stored = await in_scope(Session.async_objects.all().values_list("expire_date", flat=True).afirst())
    assert stored > ends + timedelta(days=13)


@pytest.mark.parametrize("key", ["_auth_user_id", "_", "", "a b", "x" * 65, "a\x00", "key\n"])
async def test_refused_keys(session_client: httpx.AsyncClient, key: str) -> None:
    """Django's own keys, and whatever is not a short word."""
    assert (await put(session_client, key, 1)).status_code == 400


async def test_a_value_too_large(session_client: httpx.AsyncClient) -> None:
    """4096 bytes of JSON are the most."""
    assert (await put(session_client, "text", "x" * 4094)).status_code == 200
    assert (await put(session_client, "text", "x" * 4095)).status_code == 400


async def test_too_many_keys(session_client: httpx.AsyncClient) -> None:
    """One key more than allowed is refused; a stored one may still be changed."""
    for number in range(SESSION_KEYS_MAX):
        await put(session_client, f"key{number}", number)
    assert (await put(session_client, "one-more", 1)).status_code == 400
    assert (await put(session_client, "key0", "changed")).status_code == 200


async def test_a_token_has_no_session(user_client: httpx.AsyncClient) -> None:
    """A token client has nothing that a session could be tied to."""
    assert (await user_client.get("/api/session/")).status_code == 403
    assert (await put(user_client, "theme", "dark")).status_code == 403


async def test_strangers_get_no_session(client: httpx.AsyncClient) -> None:
    """Nobody is 401, and no row is made for them."""
    assert (await put(client, "theme", "dark")).status_code == 401
    assert await in_scope(Session.async_objects.acount()) == 0


async def test_queries(session_client: httpx.AsyncClient) -> None:
    """Reading costs three statements (session, user, expiry), writing three (session, user, save)."""
    with count_queries() as reading:
        await session_client.get("/api/session/")
    with count_queries() as writing:
        await put(session_client, "theme", "dark")
    assert (len(reading), len(writing)) == (3, 3)


async def test_no_thread_is_visited(session_client: httpx.AsyncClient, executor_work: Counter[str]) -> None:
    """Loading and saving stay on the event loop."""
    await put(session_client, "theme", "dark")
    await session_client.get("/api/session/")
    assert not executor_work
