"""Security headers, request ids, timing, CSRF."""

import re
from collections.abc import Callable

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pytest_django import Settings

from api.asgi import application
from chassis.middleware.security import HEADERS

type MakeClient = Callable[..., httpx.AsyncClient]


@pytest.fixture
def client(database: None, make_client: MakeClient) -> httpx.AsyncClient:
    """Nobody."""
    return make_client(application)


@pytest.mark.parametrize("path", ["/health/", "/nowhere", "/api/users/"])
async def test_security_headers(client: httpx.AsyncClient, path: str) -> None:
    """Every response has them, errors included."""
    headers = (await client.get(path)).headers
    assert {name: headers.get(name) for name in HEADERS} == HEADERS


async def test_hsts_only_with_https(client: httpx.AsyncClient, settings: Settings) -> None:
    """HSTS is sent where the site is HTTPS only."""
    settings.HTTPS_ONLY = True
    assert "max-age" in (await client.get("/health/")).headers["Strict-Transport-Security"]


async def test_request_id_is_kept(client: httpx.AsyncClient) -> None:
    """A well-formed id of the caller comes back."""
    assert (await client.get("/health/", headers={"X-Request-ID": "abc-1.2_3"})).headers["X-Request-ID"] == "abc-1.2_3"


@example(given_id="_")
@example(given_id="-" * 64)
@example(given_id="." * 65)
@given(given_id=st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=100))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_request_id_is_always_harmless(client: httpx.AsyncClient, given_id: str) -> None:
    """Whatever the caller sends, what is logged and sent back is short and plain."""
    answered = (await client.get("/health/", headers={"X-Request-ID": given_id})).headers["X-Request-ID"]
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,64}", answered)


async def test_duration(client: httpx.AsyncClient) -> None:
    """The duration is a number of seconds."""
    assert 0 < float((await client.get("/health/")).headers["X-Request-Duration"]) < 60


async def test_content_length(client: httpx.AsyncClient) -> None:
    """A complete response says how long it is."""
    response = await client.get("/health/")
    assert int(response.headers["Content-Length"]) == len(response.content)


async def test_metrics_name_the_route(client: httpx.AsyncClient) -> None:
    """Metrics count by route, so that ids in paths make no new series."""
    await client.get("/api/users/123456/")
    page = (await client.get("/metrics")).text
    assert 'route="api/users/<int:user_id>/"' in page
    assert "123456" not in page
