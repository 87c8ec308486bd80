"""Every endpoint of the API, with something to try it with; what it does, and where, is read from its view."""

import re
from dataclasses import dataclass
from functools import cache

from django.urls import resolve
from django.utils.safestring import SafeString

from api.console.tour import sources
from api.console.tour.sources import Source
from api.console.tour.text import inline


@dataclass(frozen=True, slots=True)
class Field:
    """A part of the path, or of the query where it is not; `value` is what the form starts with."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Trial:
    """A request to try: its `path` has a name in braces for each field that is not part of the query."""

    method: str
    path: str
    fields: tuple[Field, ...] = ()
    body: str | None = None
    user: bool = False

    @property
    def identifier(self) -> str:
        """Of the form, in the page."""
        return "-".join(re.findall(r"[a-z_]+", f"{self.method}{self.path}".lower()))

    @property
    def example(self) -> str:
        """The path with what the form starts with."""
        return self.path.format(**{field.name: field.value for field in self.fields})


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A trial, what it does in a sentence, and where that is written."""

    trial: Trial
    summary: SafeString
    source: Source | None


@dataclass(frozen=True, slots=True)
class Group:
    """Endpoints that belong together."""

    name: str
    endpoints: tuple[Endpoint, ...]


DELAY = Field("delay", "0.5")
USER = Field("user_id", "2")
SLUG = Field("slug", "one-loop-many-requests")
ROOM = Field("room", "lobby")
MEMBER = Field("username", "ada")

TRIALS = {
    "Views": (
        Trial("GET", "/api/async/", (DELAY,)),
        Trial("GET", "/api/sync/", (DELAY,)),
        Trial("GET", "/api/mode/"),
        Trial("GET", "/api/items/"),
        Trial("POST", "/api/items/", body='{"a": 1}'),
        Trial("GET", "/api/robust/", (Field("fail", "expected"),)),
    ),
    "The ORM": (Trial("GET", "/api/orm/"),),
    "Other services": (
        Trial("GET", "/api/gather/", (Field("limit", "3"),)),
        Trial("GET", "/api/external/"),
        Trial("GET", "/api/external/sync/"),
        Trial("GET", "/api/external/gather/"),
    ),
    "Users": (
        Trial("GET", "/api/users/", (Field("page", "1"), Field("per_page", "5"), Field("active", "")), user=True),
        Trial("POST", "/api/users/", body='{"username": "joan", "password": "a-long-one-42"}', user=True),
        Trial("GET", "/api/users/{user_id}/", (USER,), user=True),
        Trial("PATCH", "/api/users/{user_id}/", (USER,), body='{"email": "ada@example.net"}', user=True),
        Trial("DELETE", "/api/users/{user_id}/", (Field("user_id", "0"),), user=True),
        Trial("GET", "/api/users/{user_id}/detail/", (USER,), user=True),
        Trial("GET", "/api/users/export/", user=True),
    ),
    "Articles": (
        Trial("GET", "/api/articles/", (Field("limit", "2"), Field("tag", ""), Field("author", "")), user=True),
        Trial("POST", "/api/articles/", body='{"title": "Mine", "body": "...", "tags": ["async"]}', user=True),
        Trial("GET", "/api/articles/{slug}/", (SLUG,), user=True),
        Trial("PATCH", "/api/articles/{slug}/", (SLUG,), body='{"tags": ["async", "basics"]}', user=True),
        Trial("DELETE", "/api/articles/{slug}/", (Field("slug", "mine"),), user=True),
    ),
    "Rooms": (
        Trial("GET", "/api/rooms/", user=True),
        Trial("GET", "/api/rooms/{room}/messages/", (ROOM, Field("after", ""), Field("limit", "5")), user=True),
        Trial("POST", "/api/rooms/{room}/messages/", (ROOM,), body='{"message": "Hello from the tour"}', user=True),
        Trial("GET", "/api/rooms/{room}/events/", (ROOM,), user=True),
        Trial("POST", "/api/rooms/{room}/notify/", (ROOM,), body='{"notice": "from async code"}', user=True),
        Trial("POST", "/api/rooms/{room}/notify/sync/", (ROOM,), body='{"notice": "from sync code"}', user=True),
        Trial("GET", "/api/rooms/{room}/members/", (Field("room", "staff"),), user=True),
        Trial("PUT", "/api/rooms/{room}/members/{username}/", (Field("room", "staff"), MEMBER), user=True),
        Trial("DELETE", "/api/rooms/{room}/members/{username}/", (Field("room", "staff"), MEMBER), user=True),
    ),
    "Signing in": (
        Trial("POST", "/api/register/", body='{"username": "barbara", "password": "a-long-one-42"}'),
        Trial("POST", "/api/login/", body='{"username": "ada", "password": "millrace-ada"}'),
        Trial("GET", "/api/me/", user=True),
        Trial("GET", "/api/session/", user=True),
        Trial("POST", "/api/session/", body='{"key": "colour", "value": "green"}', user=True),
        Trial("POST", "/api/ws-ticket/", body='{"room": "lobby"}', user=True),
        Trial("POST", "/api/logout/", user=True),
    ),
    "The process": (
        Trial("GET", "/health/"),
        Trial("GET", "/health/live"),
        Trial("GET", "/health/ready"),
        Trial("GET", "/health/startup"),
        Trial("GET", "/metrics"),
        Trial("GET", "/api/openapi.json"),
    ),
}


@cache
def groups() -> tuple[Group, ...]:
    """All of them, in the order of the page."""
    return tuple(Group(name, tuple(_endpoint(trial) for trial in trials)) for name, trials in TRIALS.items())


def _endpoint(trial: Trial) -> Endpoint:
    view = resolve(trial.example).func
    kind = getattr(view, "view_class", None)
    code = getattr(kind, trial.method.lower(), kind) if kind else view
    return Endpoint(trial, _summary(code.__doc__ or ""), sources.of(code))


def _summary(docstring: str) -> SafeString:
    """The first paragraph, without the method and path that the page has beside it already."""
    first = " ".join(docstring.strip().split("\n\n")[0].split())
    rest = re.sub(r"^`[A-Z,]+ /[^`]*`(?: and `/[^`]*`)?[:,] ", "", first)
    return inline(rest[:1].upper() + rest[1:])
