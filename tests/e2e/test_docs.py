"""The API's description of itself."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest
from tests.e2e.people import api_client
from tests.e2e.stack import Stack

PATHS = {
    "/api/users/", "/api/users/{user_id}/", "/api/users/{user_id}/detail/", "/api/articles/", "/api/articles/{slug}/",
    "/api/register/", "/api/login/", "/api/logout/", "/api/me/", "/api/session/", "/api/ws-ticket/", "/api/rooms/",
    "/api/rooms/{room}/members/", "/api/rooms/{room}/members/{username}/", "/api/rooms/{room}/messages/",
    "/api/rooms/{room}/notify/", "/api/async/", "/api/mode/", "/api/gather/",
    "/api/external/", "/api/external/gather/", "/api/robust/", "/api/orm/",
}  # fmt: skip


async def test_openapi_lists_the_endpoints(stack: Stack) -> None:
    """The generated document is OpenAPI 3 and has every typed endpoint."""
    async with api_client(stack) as client:
        answer = await client.get("/api/openapi.json")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("application/json")
    document = answer.json()
    assert document["openapi"].startswith("3.")
    assert set(document["paths"]) >= PATHS


def _patterns(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("pattern"), str):
            yield node["pattern"]
        node = list(node.values())
    if isinstance(node, list):
        for inner in node:
            yield from _patterns(inner)


async def test_patterns_are_understood_by_everybody(anyone: httpx.AsyncClient) -> None:
    """OpenAPI's regular expressions are ECMAScript's, which has neither `\\A`, `\\Z` nor `(?P<name>...)`."""
    document = (await anyone.get("/api/openapi.json")).json()
    assert not [pattern for pattern in _patterns(document) if re.search(r"\\[AZ]|\(\?P", pattern)]


@pytest.mark.parametrize("path", ["/", "/api/docs/"])
async def test_a_page_brings_all_it_needs(stack: Stack, path: str) -> None:
    """Every script and style of a page is served by the api itself, so it works without the internet."""
    async with api_client(stack) as client:
        page = await client.get(path)
        assert page.status_code == 200
        assert page.headers["Content-Type"].startswith("text/html")
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
        needed = re.findall(r"""<(?:script|link)[^>]+(?:src|href)=["']([^"']+)""", page.text)
        assert needed
        for address in needed:
            url = urljoin(str(page.url), address)
            assert url.startswith(stack.api), f"{url} is somebody else's"
            assert (await client.get(url)).status_code == 200, url
