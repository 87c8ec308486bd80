"""Renders a page of the console: the context that every page has, and the policy that its scripts live under."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.models import User
from api.console.navigation import PAGES, SIGN_IN


def content_security_policy(realtime_url: str) -> str:
    """Files of our own only, nothing inline; a page may talk to this origin and to the realtime service."""
    host = urlsplit(realtime_url).netloc
    sockets, http = ("wss", "https") if realtime_url.startswith("wss:") else ("ws", "http")
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; manifest-src 'self'; "
        f"connect-src 'self' {sockets}://{host} {http}://{host}; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )


def may_watch(request: HttpRequest) -> bool:
    """Whether the visitor may know how many processes there are and how they do: everybody in the demo, else staff."""
    return bool(settings.DEMO) or (isinstance(request.user, User) and request.user.is_staff)


def page(request: HttpRequest, template: str, context: Mapping[str, Any] | None = None) -> HttpResponse:
    """The template as a page; what `shared` has is in every page's context."""
    shared = {
        "pages": PAGES,
        "sign_in": SIGN_IN,
        "here": next((known for known in (*PAGES, SIGN_IN) if known.holds(request.path)), None),
        "path": request.path,
        "user": request.user if isinstance(request.user, User) else None,
        "realtime_url": settings.REALTIME_URL,
        "demo": settings.DEMO,
        "may_watch": may_watch(request),
    }
    response = render(request, template, {**shared, **(context or {})})
    response.headers["Content-Security-Policy"] = content_security_policy(settings.REALTIME_URL)
    return response
