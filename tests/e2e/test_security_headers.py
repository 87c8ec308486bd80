"""Headers that are on every response, whoever answers it: a view, the 404, a refusal or a crash."""

from uuid import uuid4

import httpx
import pytest
from tests.e2e.stack import Stack

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
ANSWERS = [
    ("GET", "/api/items/", 200),
    ("GET", "/health/", 200),
    ("GET", "/api/me/", 401),
    ("GET", "/api/nothing/", 404),
    ("DELETE", "/api/items/", 405),
    ("GET", "/api/robust/?fail=expected", 400),
    ("GET", "/api/robust/?fail=unexpected", 500),
]


@pytest.mark.parametrize(("method", "path", "status"), ANSWERS)
async def test_every_answer_has_the_security_headers(
    anyone: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    """The whole set is there whatever the status."""
    answer = await anyone.request(method, path)
    assert answer.status_code == status
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert "camera=()" in answer.headers["Permissions-Policy"]


async def test_https_is_remembered_where_it_is_used(anyone: httpx.AsyncClient, stack: Stack) -> None:
    """Over HTTPS the answer asks browsers to stay with it; over plain HTTP it must not."""
    answer = await anyone.get("/api/items/")
    assert ("Strict-Transport-Security" in answer.headers) == stack.api.startswith("https:")


@pytest.mark.parametrize(("method", "path", "status"), ANSWERS)
async def test_a_request_id_comes_back(anyone: httpx.AsyncClient, method: str, path: str, status: int) -> None:
    """A well-formed X-Request-ID of the caller is echoed, whatever the status."""
    given = f"e2e-{uuid4().hex}"
    answer = await anyone.request(method, path, headers={"X-Request-ID": given})
    assert (answer.status_code, answer.headers["X-Request-ID"]) == (status, given)


async def test_request_ids_are_made_where_none_is_given(anyone: httpx.AsyncClient) -> None:
    """Without the header every request gets an id of its own."""
    made = [(await anyone.get("/api/items/")).headers["X-Request-ID"] for _ in range(3)]
    assert len(set(made)) == 3
    assert all(made)


@pytest.mark.parametrize("given", ["with space", "a" * 65, "semi;colon", '{"json": 1}'])
async def test_a_hostile_request_id_is_replaced(anyone: httpx.AsyncClient, given: str) -> None:
    """An id that could forge a log line or a header is not taken over."""
    answer = await anyone.get("/api/items/", headers={"X-Request-ID": given})
    assert answer.headers["X-Request-ID"] not in {"", given}


async def test_the_duration_is_in_seconds(anyone: httpx.AsyncClient) -> None:
    """X-Request-Duration covers the time that the view took."""
    answer = await anyone.get("/api/async/", params={"delay": 0.2})
    # The loop's timers count whole milliseconds, so one may fire that much early.
    assert 0.199 <= float(answer.headers["X-Request-Duration"]) <= answer.elapsed.total_seconds()


async def test_the_server_does_not_say_what_it_is(anyone: httpx.AsyncClient) -> None:
    """Neither the framework nor a version is announced."""
    answer = await anyone.get("/api/items/")
    assert "X-Powered-By" not in answer.headers
    assert not any(character.isdigit() for character in answer.headers.get("Server", ""))
