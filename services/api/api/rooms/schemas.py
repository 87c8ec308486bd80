"""What the room endpoints take and answer."""

import uuid
from typing import Annotated

from msgspec import Meta, Struct

from api.users.schemas import Username
from rooms.memberships import PAGE as MEMBERS_PAGE
from rooms.memberships import Member
from rooms.messages import PAGE, StoredMessage
from rooms.names import PATTERN

RoomName = Annotated[str, Meta(pattern=rf"^{PATTERN}$(?!\n)", max_length=64)]
Seq = Annotated[int, Meta(ge=0, le=2**63 - 1)]


class RoomOut(Struct):
    """A room that the caller may read."""

    name: str
    title: str
    public: bool
    last_seq: int


class RoomList(Struct):
    """All rooms that the caller may read, by name."""

    rooms: list[RoomOut]


class RoomPath(Struct):
    """The room's name in the path."""

    room: RoomName


class MemberPath(RoomPath):
    """The room's name and a user's."""

    username: Username


class MembersQuery(Struct):
    """`after` is a name: the members that follow it."""

    after: Annotated[str, Meta(max_length=150, pattern=r"^[^\x00]*$")] = ""
    limit: Annotated[int, Meta(ge=1, le=MEMBERS_PAGE)] = MEMBERS_PAGE


class MemberList(Struct):
    """Members by name; where there are `limit` of them, ask for those after the last."""

    members: list[Member]


class Admitted(Struct):
    """A user who is a member of the room."""

    room: RoomName
    username: Username


class HistoryQuery(Struct):
    """With `after`: what follows that number, oldest first. Otherwise the newest messages, or those below `before`."""

    after: Seq | None = None
    before: Seq | None = None
    limit: Annotated[int, Meta(ge=1, le=PAGE)] = 50


class History(Struct):
    """Messages in order of their numbers; `epoch` changes when numbers start over."""

    messages: list[StoredMessage]
    last_seq: int
    epoch: uuid.UUID


class MessageIn(Struct, forbid_unknown_fields=True):
    """A message to post; with the same `id` it is stored once however often it is sent."""

    message: Annotated[str, Meta(min_length=1, max_length=4096)]
    id: uuid.UUID | None = None


class NoticeIn(Struct, forbid_unknown_fields=True):
    """A notice to send to everybody in the room now; it is not stored."""

    notice: Annotated[str, Meta(min_length=1, max_length=1000)]


class Sent(Struct):
    """`sent` is False where Redis did not take the notice."""

    sent: bool
