"""Sessions and authentication of HTTP requests, async throughout.

After these, `request.user` is a `User` or `AnonymousUser`, `request.credential` is `"token"`, `"session"` or None, and
`request.access_token` the token's row where there is one. A request without a cookie and without an Authorization
header costs no query.
"""

import time
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.base import UpdateError
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.utils.functional import SimpleLazyObject, empty
from django.utils.http import http_date

from accounts import tokens
from accounts.models import User
from accounts.sessions import SessionStore, Signed, holder
from chassis.errors import Unauthorized, error_response
from chassis.middleware import AsyncMiddleware


def session_cookie(request: HttpRequest) -> str | None:
    """The value of the session cookie; most requests to an API have no cookie to parse."""
    return request.COOKIES.get(settings.SESSION_COOKIE_NAME) if "HTTP_COOKIE" in request.META else None


class SessionMiddleware(AsyncMiddleware):
    """Django's session middleware with an asynchronous load and save."""

    async def answer(self, request: HttpRequest) -> HttpResponseBase:
        """Answer `request` with `request.session` set, and save what changed unless the answer is a 5xx."""
        sent_key = session_cookie(request)
        session: Any = SessionStore(sent_key) if sent_key is not None else SimpleLazyObject(SessionStore)
        request.session = session
        response = await self.get_response(request)
        if sent_key is None and session._wrapped is empty:  # noqa: SLF001 - as `django.contrib.auth` asks its lazy user
            return response
        if session.accessed:
            patch_vary_headers(response, ("Cookie",))
        if sent_key is not None and session.is_empty():
            response.delete_cookie(
                settings.SESSION_COOKIE_NAME,
                path=settings.SESSION_COOKIE_PATH,
                samesite="Lax",
            )
        elif session.modified and not session.is_empty() and response.status_code < 500:
            try:
                await session.asave()
            except UpdateError:
                # Signed out elsewhere while this request ran: what it wanted to remember has nowhere to go.
                return error_response(Unauthorized("Session ended"))
            await _set_cookie(response, session)
        return response


async def _set_cookie(response: Any, session: SessionStore) -> None:
    max_age = await session.aget_expiry_age()
    response.set_cookie(
        settings.SESSION_COOKIE_NAME,
        session.session_key,
        max_age=max_age,
        expires=http_date(time.time() + max_age),
        path=settings.SESSION_COOKIE_PATH,
        secure=settings.SESSION_COOKIE_SECURE or None,
        httponly=settings.SESSION_COOKIE_HTTPONLY or None,
        samesite="Lax",
    )


async def session_user(session: SessionStore) -> User | None:
    """The user that `session` signs in; a session that is not valid for its user is deleted.

    Django's own `aget_user` gives a session that was signed with a former key a new session key, and deletes the old
    one. That signs a browser out that has several requests under way, and ends the sockets of the session. So the key
    stays, and only the hash is written anew.
    """
    found = await holder(session)
    if found is None:
        return None
    if found.signed is Signed.FORMER and not await session.aresign(found.user.get_session_auth_hash()):
        # Once is enough: if the hash is a former one still, the next request replaces it.
        await session.areload()
        found = await holder(session)
    if found is not None and found.signed is Signed.INVALID:
        await session.aflush()
        return None
    return found.user if found is not None else None


class AuthenticationMiddleware(AsyncMiddleware):
    """Bearer token, else session cookie, else nobody. A Bearer token that is not valid is refused on every path."""

    async def answer(self, request: Any) -> HttpResponseBase:
        """Answer `request` with `user`, `auser`, `credential` and `access_token` set."""
        user: Any = AnonymousUser()
        request.credential = request.access_token = None
        scheme, _, secret = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() == tokens.SCHEME.lower():
            token = await tokens.find(secret.strip())
            if token is None:
                return error_response(Unauthorized("Invalid token"))
            request.credential, request.access_token, user = "token", token, token.user
        elif session_cookie(request) is not None:
            found = await session_user(request.session)
            if found is not None:
                request.credential, user = "session", found
        request.user = user
        request.auser = _Known(user)
        return await self.get_response(request)


class _Known:
    """`request.auser` for a user that is known already."""

    def __init__(self, user: Any) -> None:
        self.user = user

    async def __call__(self) -> Any:
        return self.user
