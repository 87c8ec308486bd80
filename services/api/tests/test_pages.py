"""The console's pages, the docs page and their files."""

import posixpath
import re

import httpx
import pytest
from pytest_django import Settings

CONSOLE = ["/", "/tour/", "/system/"]


async def test_home_in_the_demo(client: httpx.AsyncClient, settings: Settings) -> None:
    """The demo's start page shows who can sign in."""
    settings.DEMO = True
    assert "millrace-ada" in (await client.get("/")).text


async def test_home_elsewhere(client: httpx.AsyncClient, settings: Settings) -> None:
    """Anywhere else it shows no password."""
    settings.DEMO = False
    page = await client.get("/")
    assert page.status_code == 200
    assert "millrace-ada" not in page.text


@pytest.mark.parametrize("path", ["/", "/tour/", "/system/", "/api/docs/"])
async def test_pages_load_only_from_here(client: httpx.AsyncClient, path: str) -> None:
    """Every script and style is a file of ours that exists, none is inline, and the policy says so."""
    page = await client.get(path)
    assert re.findall(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)[^>]*>", page.text) == []
    for url in re.findall(r'(?:src|href)="([^"]+\.(?:js|css|svg|png))"', page.text):
        assert url.startswith("/static/")
        assert (await client.get(url)).status_code == 200
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "unsafe-inline" not in page.headers["Content-Security-Policy"].split("style-src")[0]


@pytest.mark.parametrize("path", CONSOLE)
async def test_console_runs_nothing_inline(client: httpx.AsyncClient, path: str) -> None:
    """The console's policy allows files of ours only, and sockets to the realtime service."""
    policy = (await client.get(path)).headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "connect-src 'self' ws://127.0.0.1:8001 http://127.0.0.1:8001;" in policy


@pytest.mark.parametrize("path", CONSOLE)
async def test_console_lists_its_pages(client: httpx.AsyncClient, path: str) -> None:
    """Every page has the menu with itself marked, one main part, and a way to skip to it."""
    page = (await client.get(path)).text
    assert re.findall(r'<a href="([^"]+)" aria-current="page">', page) == [path]
    assert (page.count("<main"), page.count("<h1"), 'href="#content"' in page) == (1, 1, True)


@pytest.mark.parametrize("path", CONSOLE)
async def test_weight(client: httpx.AsyncClient, path: str) -> None:
    """A page with all that it loads, modules of modules included, has less than 150 KB before any compression."""
    page = await client.get(path)
    wanted = re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text)
    weight, known = len(page.content), set[str]()
    while wanted:
        url = wanted.pop()
        if url in known:
            continue
        known.add(url)
        file = await client.get(url)
        assert file.status_code == 200, url
        weight += len(file.content)
        if url.endswith(".js"):
            imports = re.findall(r'^import [^"]*"([^"]+)"', file.text, re.MULTILINE)
            wanted += [posixpath.normpath(posixpath.join(posixpath.dirname(url), name)) for name in imports]
    assert weight < 150_000


async def test_static_file_is_cached(client: httpx.AsyncClient) -> None:
    """With the ETag that it was given, a client is told that nothing changed."""
    first = await client.get("/static/console/console.css")
    again = await client.get("/static/console/console.css", headers={"If-None-Match": first.headers["ETag"]})
    assert (first.headers["Content-Type"], again.status_code) == ("text/css; charset=utf-8", 304)


async def test_icon(client: httpx.AsyncClient) -> None:
    """A page without an icon of its own, the admin's, has ours."""
    assert (await client.get("/favicon.ico", follow_redirects=True)).headers["Content-Type"] == "image/svg+xml"


@pytest.mark.parametrize("path", ["nowhere.css", "../settings.py", "%2e%2e/settings.py", "/etc/passwd", "home"])
async def test_only_static_files(client: httpx.AsyncClient, path: str) -> None:
    """No path leads out of the static directories."""
    assert (await client.get(f"/static/{path}")).status_code in (400, 404)


async def test_openapi_document(client: httpx.AsyncClient) -> None:
    """The document lists the typed endpoints and both ways to sign in."""
    document = (await client.get("/api/openapi.json")).json()
    assert {"/api/users/", "/api/rooms/{room}/messages/"} <= document["paths"].keys()
    assert {"bearer", "session"} <= document["components"]["securitySchemes"].keys()


async def test_error_model_is_documented(client: httpx.AsyncClient) -> None:
    """Errors are part of the contract: `{"error": "..."}`."""
    document = (await client.get("/api/openapi.json")).json()
    responses = document["paths"]["/api/users/"]["get"]["responses"]
    assert {"200", "400", "401"} <= responses.keys()
