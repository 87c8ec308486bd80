"""The upstream of users, products and orders: where it is, and what its answers have to look like."""

from functools import lru_cache, partial
from typing import Any

import msgspec
import structlog
from django.conf import settings
from yarl import URL

from api.gather.resources import RESOURCES
from chassis.upstream import Policy, Upstream, UpstreamFailed, shared

MAX_BYTES = 1024 * 1024

type Row = dict[str, Any]


class Answer(msgspec.Struct):
    """`rows` of the resource, and how many there are in all (None where the upstream does not say)."""

    rows: list[Row]
    total: int | None = None


# One for each resource, which is the name that its rows have in the answer.
_FIELDS: list[tuple[str, Any] | tuple[str, Any, Any]] = [("rows", list[Row]), ("total", int | None, None)]
_DECODERS: dict[str, msgspec.json.Decoder[Any]] = {
    name: msgspec.json.Decoder(msgspec.defstruct(name.title(), _FIELDS, rename={"rows": name})) for name in RESOURCES
}


@lru_cache(maxsize=1024)
def address(base: str, resource: str, limit: int) -> URL:
    """Where `limit` rows of `resource` are; parsing it costs more than anything else that is done with it."""
    return URL(f"{base}/{resource}?limit={limit}")


def make(resource: str) -> Upstream[Answer]:
    """The client of one resource, by the settings as they are now."""
    policy = Policy(
        timeout=settings.GATHER_LEG_TIMEOUT_MS / 1000,
        max_bytes=MAX_BYTES,
        concurrency=settings.GATHER_CONCURRENCY,
        line=settings.GATHER_LINE,
        breaker_open_for=settings.GATHER_BREAKER_SECONDS,
        fresh_for=settings.GATHER_FRESH_SECONDS,
        stale_for=settings.GATHER_STALE_SECONDS,
    )
    return Upstream(resource, policy, partial(parse, resource), shared)


def passed_on() -> dict[str, str]:
    """Headers that say for whom the upstream is asked: the request's id, as `X-Request-ID`."""
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    return {"X-Request-ID": request_id} if request_id else {}


def parse(resource: str, body: bytes) -> Answer:
    """The rows in an answer. Raises `UpstreamFailed` where it has another shape."""
    try:
        found = _DECODERS[resource].decode(body)
    except msgspec.ValidationError as error:
        raise UpstreamFailed("unexpected shape") from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise UpstreamFailed("not JSON") from error
    return Answer(found.rows, found.total)
