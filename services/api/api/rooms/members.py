"""`/api/rooms/<room>/members/`: who is admitted to a room. Staff admit people, and take it back."""

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from dmr import Path, Query, ResponseSpec, modify, validate

from accounts.requests import signed_in
from api.rooms.delivery import hub
from api.rooms.schemas import Admitted, MemberList, MemberPath, MembersQuery, RoomPath
from api.users.schemas import Deleted
from chassis import database
from chassis.controllers import JsonController, SignedIn, responses
from chassis.errors import Forbidden
from rooms import access, memberships

_ERRORS = responses(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)


def _for_staff(request: HttpRequest) -> None:
    if not signed_in(request).is_staff:
        raise Forbidden("Only staff may change who is a member")


class MembersController(JsonController):
    """The members of a room. A public room may be read by others too."""

    tags = ["Rooms"]
    auth = [SignedIn()]

    @modify(extra_responses=_ERRORS)
    async def get(self, parsed_path: Path[RoomPath], parsed_query: Query[MembersQuery]) -> MemberList:
        """A page of members by name, for those who may read the room."""
        room = await access.enter(parsed_path.room, signed_in(self.request).pk)
        return MemberList(await memberships.page_of(room, parsed_query.after, parsed_query.limit))


class MemberController(JsonController):
    """One membership (staff only). Doing the same again changes nothing."""

    tags = ["Rooms"]
    auth = [SignedIn()]

    @validate(
        ResponseSpec(Admitted, status_code=HTTPStatus.CREATED, description="They are a member now."),
        ResponseSpec(Admitted, status_code=HTTPStatus.OK, description="They had been a member before."),
        *_ERRORS,
    )
    async def put(self, parsed_path: Path[MemberPath]) -> HttpResponse:
        """Make a user a member of the room."""
        _for_staff(self.request)
        added = await memberships.add(parsed_path.room, parsed_path.username)
        status = HTTPStatus.CREATED if added else HTTPStatus.OK
        return self.to_response(Admitted(parsed_path.room, parsed_path.username), status_code=status)

    @modify(status_code=HTTPStatus.OK, extra_responses=_ERRORS)
    async def delete(self, parsed_path: Path[MemberPath]) -> Deleted:
        """End a membership: the user's sockets and streams in the room end within a second, unless it is public."""
        _for_staff(self.request)
        removed = await memberships.remove(parsed_path.room, parsed_path.username)
        # Its connection is needed no longer; and in this process who has to go is asked about right away.
        await database.release()
        # A repeated removal is announced again: the first announcement may be what got lost.
        hub.member_removed(parsed_path.room, removed)
        return Deleted()
