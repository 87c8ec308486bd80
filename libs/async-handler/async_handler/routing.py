"""From a path to a view that can be awaited, without doing the same work for every request."""

from collections.abc import Awaitable, Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import ResolverMatch, URLResolver
from django.utils.translation import get_language

type AsyncView = Callable[..., Awaitable[Any]]
type Prepare = Callable[[Callable[..., Any]], AsyncView]

# Paths without captures; a pattern such as `re_path(r"")` matches any number of them.
MAX_PATHS = 2048


def _captured(match: Any) -> bool:
    return bool(match.args or match.captured_kwargs)


class Routes:
    """Of one URL configuration: which path leads where, and each of its views prepared once.

    Django tries one pattern after the other for every request. A path whose match captured nothing leads to the same
    match every time, so that one is kept (and shared: views must not change it); a path with captures is resolved by
    Django.
    """

    def __init__(self, resolver: URLResolver, prepare: Prepare) -> None:
        self._resolver = resolver
        self.prepare = prepare
        # Patterns can be translated, so the same path may lead elsewhere in another language.
        self._translated = settings.USE_I18N
        self._fixed: dict[object, tuple[ResolverMatch, AsyncView]] = {}
        self._views: dict[Callable[..., Any], AsyncView] = {}

    def find(self, request: HttpRequest) -> tuple[ResolverMatch, AsyncView]:
        """The match of `request.path_info`, set as `request.resolver_match` too; raises `Resolver404`."""
        path = request.path_info
        key = (get_language(), path) if self._translated else path
        found = self._fixed.get(key)
        if found is None:
            match = self._resolver.resolve(path)
            found = match, self._prepared(match.func)
            if not _captured(match) and len(self._fixed) < MAX_PATHS:
                self._fixed[key] = found
        request.resolver_match = found[0]
        return found

    def _prepared(self, view: Callable[..., Any]) -> AsyncView:
        prepared = self._views.get(view)
        if prepared is None:
            prepared = self.prepare(view)
            # A resolver may make a new function for every request; then there is nothing to keep.
            if len(self._views) < MAX_PATHS:
                self._views[view] = prepared
        return prepared
