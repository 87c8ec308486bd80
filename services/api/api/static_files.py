"""`/static/<path>`: the files of the installed apps, without a web server in front and without a thread once warm.

Each file is read once, on a thread, and then answered from memory with an ETag. Only files that Django's finders know
can be asked for, so no path leads outside of them.
"""

import asyncio
import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified, HttpResponsePermanentRedirect
from django.utils.cache import patch_cache_control

from chassis.errors import NotFound
from chassis.methods import READ, only


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file as it is sent."""

    content: bytes
    content_type: str
    etag: str


_loaded: dict[str, StaticFile] = {}


def _load(path: str) -> StaticFile:
    found = Path(str(finders.find(path) or ""))
    # A finder finds directories too.
    if not found.is_file():
        raise NotFound
    content = found.read_bytes()
    content_type = mimetypes.guess_type(path)[0] or "application/octet-stream"
    if content_type.startswith("text/"):
        content_type += "; charset=utf-8"
    return StaticFile(content, content_type, f'"{hashlib.sha256(content).hexdigest()[:32]}"')


@only(*READ)
async def static_file(request: HttpRequest, path: str) -> HttpResponse:
    """The file, 304 where the client has it already, or 404."""
    file = _loaded.get(path)
    if file is None:
        file = _loaded[path] = await asyncio.to_thread(_load, path)
    known = request.headers.get("If-None-Match") == file.etag
    response = HttpResponseNotModified() if known else HttpResponse(file.content, content_type=file.content_type)
    response.headers["ETag"] = file.etag
    # Asked for again each time: modules of two releases must not meet in one page, and a 304 costs next to nothing.
    patch_cache_control(response, public=True, no_cache=True)
    return response


@only(*READ)
async def favicon(request: HttpRequest) -> HttpResponse:
    """`GET /favicon.ico`: what a browser asks for by itself, on pages that name no icon."""
    return HttpResponsePermanentRedirect(f"{settings.STATIC_URL}console/icon.svg")
