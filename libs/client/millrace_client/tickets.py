"""A ready-made ticket source: `POST /api/ws-ticket/`, by the standard library."""

import asyncio
import json
import urllib.error
import urllib.request
from http.client import HTTPMessage
from typing import IO
from urllib.parse import urlsplit

from millrace_client.door import TicketSource
from millrace_client.errors import Forbidden, NoSuchRoom, NotSignedIn

PATIENCE = 10.0
_FINAL = {401: NotSignedIn, 403: Forbidden, 404: NoSuchRoom}


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the token to wherever it leads."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        """Follow none."""


def tickets(
    api: str, token: str | None = None, *, cookie: str | None = None, csrf_token: str | None = None
) -> TicketSource:
    """Buys tickets from the api at the address `api`, as the owner of an access token, or of a session.

    With a session `cookie` is the value of the Cookie header and `csrf_token` what `/api/me/` says. The source raises
    `NotSignedIn`, `Forbidden` or `NoSuchRoom` where the api says so, which ends the room, and `OSError` for anything
    else, which is tried again. A request runs on a thread of the event loop's, for ten seconds at most.
    """
    if urlsplit(api).scheme not in {"http", "https"}:
        raise ValueError("The address of an api starts with http:// or https://")
    headers = {"Content-Type": "application/json"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    if cookie is not None:
        headers |= {"Cookie": cookie, "X-CSRFToken": csrf_token or ""}
        # Django compares the Referer over https.
        headers |= {"Origin": _origin(api), "Referer": f"{_origin(api)}/"}
    opener = urllib.request.build_opener(_NoRedirects)

    def buy(room: str) -> str:
        body = json.dumps({"room": room}).encode()
        request = urllib.request.Request(f"{api.rstrip('/')}/api/ws-ticket/", body, headers)  # noqa: S310 - checked
        with opener.open(request, timeout=PATIENCE) as answer:
            return str(json.load(answer)["ticket"])

    async def source(room: str) -> str:
        try:
            return await asyncio.to_thread(buy, room)
        except urllib.error.HTTPError as error:
            with error:
                kind = _FINAL.get(error.code)
            if kind is None:
                raise
            raise kind(f"The api gives no ticket for this room: HTTP {error.code}") from None

    return source


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
