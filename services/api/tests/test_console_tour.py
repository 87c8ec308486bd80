"""The tour in the console: every endpoint with its source, the text of docs/tour.md, and SQL on demand."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.urls import URLPattern, URLResolver, get_resolver, resolve

from api.console.tour import sources
from api.console.tour.endpoints import TRIALS, groups
from api.console.tour.text import render, text
from chassis.handler import Handler
from testing.people import bearer

from .conftest import MakeClient

ROOT = Path(__file__).parents[3]
SHOW = {"X-Show-SQL": "1"}


def routes(resolver: URLResolver, prefix: str = "") -> Iterator[str]:
    """Every path that the api answers, with its captures."""
    for pattern in resolver.url_patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern, route)
        else:
            assert isinstance(pattern, URLPattern)
            yield route


def test_every_endpoint_is_there() -> None:
    """Nothing below `/api/` and `/health/` is left out, except for the page that is the API's reference."""
    tried = {trial.path.lstrip("/") for trials in TRIALS.values() for trial in trials}
    known = {re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route) for route in routes(get_resolver())}
    assert {route for route in known if route.startswith(("api/", "health/"))} - {"api/docs/"} <= tried


def test_every_method_is_there() -> None:
    """Each method that a typed or class-based view answers is tried."""
    tried = {(trial.path, trial.method) for trials in TRIALS.values() for trial in trials}
    for trial in (trial for trials in TRIALS.values() for trial in trials):
        view = getattr(resolve(trial.example).func, "view_class", None)
        methods = {name for name in ("GET", "POST", "PUT", "PATCH", "DELETE") if hasattr(view, name.lower())}
        assert {(trial.path, name) for name in methods} <= tried


def test_every_endpoint_has_a_source() -> None:
    """The source of each is a file of this repository, and says in a sentence what the endpoint does."""
    for endpoint in (endpoint for group in groups() for endpoint in group.endpoints):
        assert endpoint.source is not None
        assert (ROOT / endpoint.source.path).is_file()
        assert endpoint.summary


async def test_text_is_the_tours(client: httpx.AsyncClient) -> None:
    """The page has every section of docs/tour.md, with links to files that the console shows."""
    page = (await client.get("/tour/")).text
    titles = re.findall(r"^## (.*)$", (ROOT / "docs" / "tour.md").read_text(), re.MULTILINE)
    assert [section.title for section in text().sections] == titles
    for title in titles:
        assert f">{title}</h2>" in page
    assert 'href="/tour/source/services/realtime/realtime/consumer.py"' in page


def test_text_is_escaped() -> None:
    """HTML in it is text, and what is no file here is no link."""
    rendered = render(
        "## One\n\n<script>alert(1)</script> [here](../README.md) [gone](../nowhere.py) [up](../../etc/passwd)"
    )
    html = str(rendered.sections[0].html)
    assert "<script>" not in html
    assert rendered.files == {"README.md"}
    assert html.count("<a ") == 1


async def test_source(client: httpx.AsyncClient, settings: Any) -> None:
    """A file that the tour names is shown, line by line."""
    settings.DEMO = True
    page = await client.get("/tour/source/services/api/api/orm/views.py")
    assert (page.status_code, "class OrmController" in page.text, 'id="L1"' in page.text) == (200, True, True)


@pytest.mark.parametrize(
    "path", ["services/api/api/settings.py", "../../etc/passwd", "docs/../.env", ".git/config", "services/api/api", ""]
)
async def test_no_other_source(client: httpx.AsyncClient, settings: Any, path: str) -> None:
    """No other file is, wherever it is."""
    settings.DEMO = True
    assert (await client.get(f"/tour/source/{path}")).status_code == 404


async def test_source_in_the_demo_only(client: httpx.AsyncClient, settings: Any) -> None:
    """Anywhere else there is none."""
    settings.DEMO = False
    assert (await client.get("/tour/source/services/api/api/orm/views.py")).status_code == 404


def test_nothing_outside_of_the_packages() -> None:
    """What is not ours has no source."""
    assert sources.of(json.dumps) is None


async def test_sql(user: Any, make_client: MakeClient, settings: Any) -> None:
    """With the demo's middleware a request may ask for the SQL of its view: async, of statements, and on a thread."""
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "api.console.tour.sql.ShowSql"]
    async with make_client(Handler(), headers=await bearer(user)) as client:
        for path, table in (
            ("/api/users/", "accounts_user"),
            ("/api/articles/", "articles_article"),
            (f"/api/users/{user.pk}/detail/", "accounts_user"),
        ):
            answer = await client.get(path, headers=SHOW)
            statements = json.loads(answer.headers["X-SQL"])
            assert any(table in statement for statement in statements), path
            assert int(answer.headers["X-SQL-Count"]) == len(statements)
            assert "X-SQL" not in (await client.get(path)).headers


async def test_much_sql(user: Any, make_client: MakeClient, settings: Any) -> None:
    """What does not fit into a header is left out, and counted."""
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "api.console.tour.sql.ShowSql"]
    async with make_client(Handler(), headers=await bearer(user)) as client:
        answer = await client.get("/api/orm/", headers=SHOW)
    assert answer.status_code == 200
    assert len(answer.headers["X-SQL"]) <= 3000
    assert int(answer.headers["X-SQL-Count"]) > len(json.loads(answer.headers["X-SQL"]))


async def test_no_sql_elsewhere(user_client: httpx.AsyncClient) -> None:
    """Outside of the demo the header does nothing."""
    assert "X-SQL" not in (await user_client.get("/api/users/", headers=SHOW)).headers
