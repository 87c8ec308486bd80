"""The user of a request and how they are signed in, for views that need to know."""

from typing import Literal

from django.http import HttpRequest

from accounts import credentials
from accounts.credentials import Credential
from accounts.models import AccessToken, User
from accounts.sessions import SessionStore
from chassis.errors import Unauthorized


def signed_in(request: HttpRequest) -> User:
    """The user that `AuthenticationMiddleware` found, or `Unauthorized`."""
    if not isinstance(request.user, User):
        raise Unauthorized
    return request.user


def access_token(request: HttpRequest) -> AccessToken | None:
    """The token that `request` came with, if that is what signed it in."""
    token: AccessToken | None = getattr(request, "access_token", None)
    return token


def credential(request: HttpRequest) -> Literal["session", "token"]:
    """What signed `request` in, or `Unauthorized`."""
    found: Literal["session", "token"] | None = getattr(request, "credential", None)
    if found is None:
        raise Unauthorized
    return found


def held(request: HttpRequest) -> Credential:
    """What signed `request` in, for what outlives it; or `Unauthorized`."""
    user, token, session = signed_in(request), access_token(request), own_session(request)
    if token is not None:
        return Credential(user.pk, access_token_id=token.pk)
    return credentials.by_session(user, (session.session_key or "") if session is not None else "")


def own_session(request: HttpRequest) -> SessionStore | None:
    """The session that signed `request` in; None for a token, whatever cookie it came with."""
    session = request.session
    return session if credential(request) == "session" and isinstance(session, SessionStore) else None
