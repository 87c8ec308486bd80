"""`/api/register/`, `/api/login/`, `/api/logout/`, `/api/me/`."""

from http import HTTPStatus

import msgspec
from django.contrib.auth import alogout
from django.middleware.csrf import get_token
from dmr import Body, modify

from accounts import events, tokens
from accounts.models import User
from accounts.requests import access_token, credential, own_session, signed_in
from api.sign_in import limits
from api.sign_in.credentials import authenticate, sign_in
from api.sign_in.schemas import Account, Credentials, LoggedIn, LoggedOut, Me, Refused, Registered
from api.users import queries
from api.users.schemas import UserCreate
from chassis import database
from chassis.controllers import JsonController, SignedIn, error_spec, responses
from chassis.errors import Unauthorized


def _account(user: User) -> Account:
    return Account(user.pk, user.username, user.email, user.is_staff)


class RegisterController(JsonController):
    """Everybody may register."""

    tags = ["Sign-in"]

    @modify(
        status_code=HTTPStatus.CREATED,
        extra_responses=responses(HTTPStatus.FORBIDDEN, HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS),
    )
    async def post(self, parsed_body: Body[UserCreate]) -> Registered:
        """Create a user and sign them in: a session cookie, and a token for clients that keep no cookies."""
        await limits.count_registration(self.request)
        user = await queries.create(parsed_body.username, parsed_body.password, parsed_body.email)
        issued = await sign_in(self.request, user)
        return Registered(id=user.pk, username=user.username, **msgspec.structs.asdict(issued))


class LoginController(JsonController):
    """Everybody may try, a few times a minute."""

    tags = ["Sign-in"]

    @modify(
        status_code=HTTPStatus.OK,
        extra_responses=[
            error_spec(HTTPStatus.UNAUTHORIZED, Refused),
            *responses(HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS),
        ],
    )
    async def post(self, parsed_body: Body[Credentials]) -> LoggedIn:
        """Sign in: a session cookie, and a token for clients that keep no cookies."""
        await limits.count_login(self.request, parsed_body.username)
        user = await authenticate(parsed_body.username, parsed_body.password)
        if user is None:
            raise Unauthorized("Wrong username or password", authenticated=False)
        issued = await sign_in(self.request, user)
        return LoggedIn(user_id=user.pk, user=_account(user), **msgspec.structs.asdict(issued))


class LogoutController(JsonController):
    """Ends what the request was authenticated by."""

    tags = ["Sign-in"]
    auth = [SignedIn()]

    @modify(status_code=HTTPStatus.OK, extra_responses=responses(HTTPStatus.FORBIDDEN))
    async def post(self) -> LoggedOut:
        """End the session, or revoke the token, whichever this request came with; other ones stay valid."""
        user, session, token = signed_in(self.request), own_session(self.request), access_token(self.request)
        session_key = (session.session_key or "") if session is not None else ""
        if token is None:
            await alogout(self.request)
        else:
            await tokens.revoke(token)
        await database.release()
        # Closes the sockets that it opened.
        await events.announce_sign_out(user.pk, session_key=session_key, access_token_id=token.pk if token else None)
        return LoggedOut()


class MeController(JsonController):
    """The caller."""

    tags = ["Sign-in"]
    auth = [SignedIn()]

    async def get(self) -> Me:
        """Who the caller is, and by which credential."""
        user = signed_in(self.request)
        by = credential(self.request)
        csrf_token = get_token(self.request) if by == "session" else None
        return Me(user.pk, user.username, user.email, user.is_staff, by, csrf_token)
