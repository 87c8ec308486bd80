"""Our request object is Django's: the same attributes for the same scope, whatever the client sends."""

from io import BytesIO
from typing import Any

import pytest
from django.core.exceptions import BadRequest
from django.core.handlers.asgi import ASGIRequest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from async_handler import request as request_module
from async_handler.request import Request

NAMES = st.sampled_from([b"host", b"cookie", b"x-request-id", b"content-type", b"content-length", b"x_odd", b"accept"])
VALUES = st.binary(max_size=20)
SCOPES = st.fixed_dictionaries(
    {
        "type": st.just("http"),
        "method": st.sampled_from(["GET", "post", "OPTIONS"]),
        "path": st.sampled_from(["/", "/app", "/app/", "/app/x", "/application", "/x"]),
        "root_path": st.sampled_from(["", "/app", "/app/"]),
        "query_string": st.sampled_from([b"", b"a=1&a=2", "a=é".encode()]),
        "headers": st.lists(st.tuples(NAMES, VALUES), max_size=6),
        "client": st.sampled_from([None, ("192.0.2.1", 4711)]),
        "server": st.sampled_from([None, ("example.org", 443), ("/run/socket", None)]),
        "scheme": st.sampled_from(["http", "https"]),
    }
)


def made(cls: type[ASGIRequest], scope: dict[str, Any]) -> dict[str, Any]:
    """What a request says of itself."""
    try:
        request = cls(scope, BytesIO())
    except BadRequest as error:
        return {"refused": str(error)}
    state = {name: value for name, value in vars(request).items() if name not in {"_stream", "scope"}}
    return {**state, "GET": request.GET, "COOKIES": request.COOKIES, "scheme": request.scheme}


@given(scope=SCOPES)
def test_same_as_django(scope: dict[str, Any]) -> None:
    """Every attribute has the same value."""
    assert made(Request, dict(scope)) == made(ASGIRequest, dict(scope))


def test_script_name_of_the_settings(settings: Settings) -> None:
    """`FORCE_SCRIPT_NAME` goes before what the server says."""
    settings.FORCE_SCRIPT_NAME = "/forced"
    scope = {"method": "GET", "path": "/forced/x", "root_path": "/app", "headers": []}
    assert made(Request, scope)["path_info"] == "/x" == made(ASGIRequest, scope)["path_info"]


def test_query_that_is_not_utf8() -> None:
    """It cannot be read, which the handler answers with 400."""
    with pytest.raises(UnicodeDecodeError):
        Request({"method": "GET", "path": "/", "query_string": b"\xff", "headers": []}, BytesIO())


def test_names_are_not_kept_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that sends ever new names fills no memory, and is understood."""
    monkeypatch.setattr(request_module, "_META_NAMES", {})
    monkeypatch.setattr(request_module, "_MAX_NAMES", 2)
    scope = {"method": "GET", "path": "/", "headers": [(b"x-%d" % number, b"v") for number in range(5)]}
    request = Request(scope, BytesIO())
    assert [request.META[f"HTTP_X_{number}"] for number in range(5)] == ["v"] * 5
    assert len(request_module._META_NAMES) == 2
