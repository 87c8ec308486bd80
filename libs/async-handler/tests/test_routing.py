"""A path that captures nothing is resolved once; every other one by Django."""

from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, URLPattern, URLResolver, path, re_path
from django.urls.resolvers import RegexPattern
from pytest_django import Settings

from async_handler import routing
from async_handler.routing import AsyncView, Routes


async def view(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    """Never called."""
    raise NotImplementedError


class Preparing:
    """Counts the views that are prepared."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, view: Any) -> AsyncView:
        self.count += 1
        prepared: AsyncView = view
        return prepared


class Counting(URLResolver):
    """Counts the paths that Django resolves."""

    resolved = 0

    def resolve(self, path: str) -> Any:
        """As Django does."""
        self.resolved += 1
        return super().resolve(path)


def routes(*patterns: URLPattern) -> tuple[Routes, Counting, Preparing]:
    """Routes to `patterns`, what they ask, and what prepares their views."""
    resolver, preparing = Counting(RegexPattern(r"^/"), list(patterns)), Preparing()
    return Routes(resolver, preparing), resolver, preparing


def ask(found: Routes, path: str) -> HttpRequest:
    """The request to `path` after its view was found."""
    request = HttpRequest()
    request.path_info = path
    match, _ = found.find(request)
    assert request.resolver_match is match
    return request


def match_of(found: Routes, path: str) -> Any:
    """The match of `path`."""
    return ask(found, path).resolver_match


def test_fixed_path_is_resolved_once() -> None:
    """The second request to it asks nobody."""
    found, resolver, preparing = routes(path("fixed/", view, {"extra": 1}, name="fixed"))
    first, second = match_of(found, "/fixed/"), match_of(found, "/fixed/")
    assert (first.url_name, first.kwargs) == (second.url_name, second.kwargs) == ("fixed", {"extra": 1})
    assert (resolver.resolved, preparing.count) == (1, 1)


def test_captures_are_resolved_each_time() -> None:
    """What was captured for one request is not given to the next; the view is prepared once."""
    found, resolver, preparing = routes(path("things/<int:number>/", view))
    assert [match_of(found, f"/things/{number}/").kwargs for number in (1, 2)] == [{"number": 1}, {"number": 2}]
    assert (resolver.resolved, preparing.count) == (2, 1)


def test_unnamed_captures_too() -> None:
    """Positional captures as well."""
    found, resolver, _ = routes(re_path(r"^(\d+)/$", view))
    assert [match_of(found, f"/{number}/").args for number in (1, 2)] == [("1",), ("2",)]
    assert resolver.resolved == 2


def test_unknown_path() -> None:
    """A path that leads nowhere is not remembered."""
    found, resolver, _ = routes(path("fixed/", view))
    for _ in range(2):
        with pytest.raises(Resolver404):
            ask(found, "/nowhere/")
    assert resolver.resolved == 2


def test_paths_are_not_kept_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pattern that matches anything fills no memory."""
    monkeypatch.setattr(routing, "MAX_PATHS", 3)
    found, _, _ = routes(re_path(r"", view))
    for number in range(10):
        ask(found, f"/{number}")
    assert len(found._fixed) == 3


def test_language_is_part_of_the_path(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where paths can be translated, what one language found is not another's."""
    settings.USE_I18N = True
    found, resolver, _ = routes(path("fixed/", view))
    for language in ("en", "de", "en"):
        # Django chooses between its two ways to translate once a process, before this test.
        monkeypatch.setattr(routing, "get_language", lambda language=language: language)
        ask(found, "/fixed/")
    assert resolver.resolved == 2
