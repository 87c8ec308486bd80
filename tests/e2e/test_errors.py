"""Every error is JSON with the right status, says what is wrong, and gives nothing away."""

from typing import Any

import httpx
import pytest
from tests.e2e.endpoints import LACKING, PRIVATE, PUBLIC, WRITES
from tests.e2e.people import Person

JSON = {"Content-Type": "application/json"}
# What a debug page, a traceback or a driver's message would contain.
TELLTALE = [
    "Traceback",
    'File "',
    "site-packages",
    "django.",
    "psycopg",
    "SECRET",
    "postgresql://",
    "redis://",
    "<html",
]


def error_of(answer: httpx.Response, status: int) -> str:
    """The message of an error answer, after checking its form."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"].startswith("application/json"), answer.text
    body: dict[str, Any] = answer.json()
    assert isinstance(body["error"], str)
    assert body["error"]
    assert not [word for word in TELLTALE if word in answer.text], answer.text
    return str(body["error"])


@pytest.mark.smoke
@pytest.mark.parametrize("path", ["/nothing", "/api/nothing/", "/api/users/not-a-number/", "/api/", "/api/%ff/"])
async def test_an_unknown_path_is_404(anyone: httpx.AsyncClient, path: str) -> None:
    """Nothing there: JSON, like everything else."""
    error_of(await anyone.get(path), 404)


@pytest.mark.parametrize(("path", "method"), LACKING)
async def test_a_method_that_is_not_offered_is_405(alice: Person, path: str, method: str) -> None:
    """405 with an Allow header that names what there is."""
    answer = await alice.client.request(method, path)
    error_of(answer, 405)
    assert answer.headers["Allow"]
    assert method not in [name.strip() for name in answer.headers["Allow"].split(",")]


@pytest.mark.parametrize("path", [*PUBLIC, *(path for method, path in PRIVATE if method == "GET")])
async def test_a_bad_token_is_refused_everywhere(anyone: httpx.AsyncClient, path: str) -> None:
    """A Bearer token that is not valid is 401 also where none is needed: its owner thinks they are signed in."""
    answer = await anyone.get(path, headers={"Authorization": "Bearer not-a-token"})
    assert error_of(answer, 401) == "Invalid token"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "header",
    ["Bearer", "bearer x", "Bearer a b", "Bearer \u00e9", "Bearer " + "x" * 6000, "Basic YTpi", "Token x", "?"],
    ids=["bare", "lower", "two", "accent", "long", "basic", "scheme", "odd"],
)
async def test_an_odd_authorization_is_refused(anyone: httpx.AsyncClient, header: str) -> None:
    """Whatever stands in the header, the answer is an orderly refusal."""
    answer = await anyone.get("/api/me/", headers=[(b"Authorization", header.encode())])
    error_of(answer, 401)


@pytest.mark.parametrize(("method", "path"), PRIVATE)
async def test_a_missing_token_is_401(anyone: httpx.AsyncClient, method: str, path: str) -> None:
    """Who is nobody gets `Unauthorized`, before anything is said about what they sent."""
    answer = await anyone.request(method, path, json={} if method in {"POST", "PATCH"} else None)
    assert error_of(answer, 401) == "Unauthorized"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "body", ["{", "", '{"a": NaN}', "[" * 50_000, "\ud800"], ids=["open", "empty", "nan", "deep", "bytes"]
)
@pytest.mark.parametrize("path", [*WRITES, "/api/items/"])
async def test_malformed_json_is_400(alice: Person, path: str, body: str) -> None:
    """A body that is not JSON is the caller's mistake, however it is broken."""
    content = body.encode("utf-8", "surrogatepass")
    error_of(await alice.client.post(path, content=content, headers=JSON), 400)


@pytest.mark.parametrize("path", WRITES)
async def test_json_of_another_shape_is_400(alice: Person, path: str) -> None:
    """A list where an object belongs is refused with words."""
    error_of(await alice.client.post(path, json=[1, 2, 3]), 400)


@pytest.mark.parametrize("path", [*WRITES, "/api/items/"])
async def test_an_oversized_body_is_413(alice: Person, path: str) -> None:
    """5 MB are more than any endpoint takes."""
    body = b'{"message": "' + b"x" * 5_000_000 + b'"}'
    error_of(await alice.client.post(path, content=body, headers=JSON), 413)


@pytest.mark.smoke
async def test_an_expected_failure_tells_the_reason(anyone: httpx.AsyncClient) -> None:
    """`?fail=expected` is 400 with words for the caller."""
    error_of(await anyone.get("/api/robust/", params={"fail": "expected"}), 400)


@pytest.mark.smoke
async def test_an_unexpected_failure_tells_nothing(anyone: httpx.AsyncClient) -> None:
    """`?fail=unexpected` is 500 with a fixed sentence; the traceback is for the log."""
    answer = await anyone.get("/api/robust/", params={"fail": "unexpected"})
    assert answer.json() == {"error": "Internal server error"}
    error_of(answer, 500)


async def test_a_request_after_a_crash_is_answered(anyone: httpx.AsyncClient) -> None:
    """A crash ends one request and nothing else."""
    for _ in range(5):
        assert (await anyone.get("/api/robust/", params={"fail": "unexpected"})).status_code == 500
    assert (await anyone.get("/api/robust/")).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/api/users/?page=0",
        "/api/users/?per_page=101",
        "/api/users/?page=x",
        "/api/users/?active=perhaps",
        "/api/users/99999999999999999999/",
        "/api/articles/?limit=0",
        "/api/articles/?after=%00",
        "/api/rooms/lobby/messages/?limit=0",
        "/api/rooms/lobby/messages/?after=-1",
        "/api/rooms/lobby/messages/?after=99999999999999999999",
        "/api/async/?delay=11",
        "/api/sync/?delay=-1",
        "/api/sync/?delay=nan",
        "/api/gather/?limit=301",
        "/api/robust/?fail=otherwise",
    ],
)
async def test_a_parameter_out_of_range_is_400(alice: Person, path: str) -> None:
    """A bad parameter is refused with words, and never reaches the database."""
    error_of(await alice.client.get(path), 400)
