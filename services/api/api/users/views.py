"""`/api/users/`: async CRUD, an export that streams, and a detail that wraps the synchronous ORM."""

from collections.abc import AsyncIterator
from http import HTTPStatus

import msgspec
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from dmr import Body, Path, Query, modify

from accounts import events
from accounts.models import User
from accounts.requests import signed_in
from api.users import queries
from api.users.detail import UserDetailMixin
from api.users.schemas import Deleted, UserCreate, UserOut, UserPage, UserPatch, UserPath, UserQuery
from chassis import database
from chassis.controllers import JsonController, SignedIn, responses
from chassis.errors import Forbidden
from chassis.methods import only

_WRITE_ERRORS = responses(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)


def shown_to(viewer: User, user: User) -> UserOut:
    """`user` as `viewer` may see them."""
    private = viewer.is_staff or viewer.pk == user.pk
    return UserOut(
        user.pk, user.username, user.is_active, user.is_staff, user.date_joined, user.email if private else None
    )


async def _writable(viewer: User, user_id: int) -> User:
    user = await queries.get(user_id)
    if not (viewer.is_staff or viewer.pk == user.pk):
        raise Forbidden
    return user


class UsersController(JsonController):
    """A page of users; staff create users."""

    tags = ["Users"]
    auth = [SignedIn()]

    async def get(self, parsed_query: Query[UserQuery]) -> UserPage:
        """A page of users by id, optionally only the active or the inactive ones."""
        users, total = await queries.page_of(parsed_query.page, parsed_query.per_page, parsed_query.active)
        return UserPage(users, parsed_query.page, parsed_query.per_page, total)

    @modify(
        status_code=HTTPStatus.CREATED,
        extra_responses=responses(HTTPStatus.FORBIDDEN, HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS),
    )
    async def post(self, parsed_body: Body[UserCreate]) -> UserOut:
        """Create a user (staff only; people register themselves at `/api/register/`)."""
        viewer = signed_in(self.request)
        if not viewer.is_staff:
            raise Forbidden
        user = await queries.create(parsed_body.username, parsed_body.password, parsed_body.email)
        return shown_to(viewer, user)


class UserController(JsonController):
    """One user; changed and deleted by themselves or by staff."""

    tags = ["Users"]
    auth = [SignedIn()]

    @modify(extra_responses=responses(HTTPStatus.NOT_FOUND))
    async def get(self, parsed_path: Path[UserPath]) -> UserOut:
        """The user; their email for themselves and staff only."""
        return shown_to(signed_in(self.request), await queries.get(parsed_path.user_id))

    @modify(extra_responses=_WRITE_ERRORS)
    async def patch(self, parsed_path: Path[UserPath], parsed_body: Body[UserPatch]) -> UserOut:
        """Change the email, or (staff) whether the user is active."""
        viewer = signed_in(self.request)
        user = await _writable(viewer, parsed_path.user_id)
        fields = {
            name: value for name, value in msgspec.structs.asdict(parsed_body).items() if value is not msgspec.UNSET
        }
        if "is_active" in fields and not viewer.is_staff:
            raise Forbidden("Only staff may change is_active")
        user = await queries.change(user, **fields)
        if not user.is_active:
            await database.release()
            await events.announce_sign_out(user.pk)
        return shown_to(viewer, user)

    @modify(status_code=HTTPStatus.OK, extra_responses=_WRITE_ERRORS)
    async def delete(self, parsed_path: Path[UserPath]) -> Deleted:
        """Delete the user with their tokens, articles and memberships; their messages stay under their name."""
        await queries.delete(await _writable(signed_in(self.request), parsed_path.user_id))
        await database.release()
        await events.announce_sign_out(parsed_path.user_id)
        return Deleted()


class UserDetailController(UserDetailMixin, JsonController):
    """The same detail through the mixin that wraps the synchronous ORM."""

    tags = ["Users"]
    auth = [SignedIn()]

    @modify(extra_responses=responses(HTTPStatus.NOT_FOUND))
    async def get(self, parsed_path: Path[UserPath]) -> UserOut:
        """The user, read by synchronous code on a thread."""
        return shown_to(signed_in(self.request), await self.get_user(parsed_path.user_id))


@only("GET")
async def export(request: HttpRequest) -> HttpResponseBase:
    """`GET /api/users/export/`: every user, one JSON object a line, streamed by async iteration."""
    signed_in(request)
    return StreamingHttpResponse(_lines(), content_type="application/x-ndjson")


async def _lines() -> AsyncIterator[bytes]:
    encoder = msgspec.json.Encoder()
    async for chunk in queries.export():
        yield encoder.encode_lines(chunk)
