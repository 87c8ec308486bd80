"""Headers that every response has: encoded once, where Django validates and encodes them for each response."""

from collections.abc import Iterable
from typing import Any

from django.http.response import HttpResponseBase

type EncodedHeader = tuple[bytes, bytes]


def send_encoded(response: HttpResponseBase, headers: Iterable[EncodedHeader]) -> None:
    """Have `headers` sent after those of `response`; names in lower case, and nothing checks that a name is new.

    `AsyncHandler` sends them; other handlers do not know them.
    """
    known = response.__dict__.get("encoded_headers")
    if known is None:
        response.__dict__["encoded_headers"] = list(headers)
    else:
        known.extend(headers)


def encoded(response: HttpResponseBase) -> list[EncodedHeader]:
    """All headers of `response` as ASGI wants them. Their case is kept: some old clients look for `Content-Type`."""
    headers: list[Any] = [
        # Django has checked both when they were set. Its `items` would look each of them up again by its name.
        (name.encode("ascii"), value.encode("latin-1"))
        for name, value in response.headers._store.values()  # noqa: SLF001
    ]
    if response.cookies:
        headers += [(b"Set-Cookie", cookie.OutputString().encode("ascii")) for cookie in response.cookies.values()]
    further = response.__dict__.get("encoded_headers")
    if further is not None:
        headers += further
    return headers
