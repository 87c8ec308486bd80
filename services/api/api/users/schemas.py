"""What the user endpoints take and answer."""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

PER_PAGE_MAX = 100

Username = Annotated[str, Meta(min_length=1, max_length=150, pattern=r"^[\w.@+-]+$(?!\n)")]
Email = Annotated[str, Meta(max_length=254, pattern=r"^$|^[^@\s\x00]+@[^@\s\x00]+\.[^@\s\x00]+$(?!\n)")]
Password = Annotated[str, Meta(min_length=1, max_length=128)]


class UserOut(Struct):
    """A user as others see them; `email` only for themselves and for staff."""

    id: int
    username: str
    is_active: bool
    is_staff: bool
    date_joined: datetime
    email: str | None = None


class UserPage(Struct):
    """One page of users, by id; `total` counts all that match."""

    users: list[UserOut]
    page: int
    per_page: int
    total: int


class UserQuery(Struct):
    """`page` counts from 1."""

    page: Annotated[int, Meta(ge=1, le=1_000_000)] = 1
    per_page: Annotated[int, Meta(ge=1, le=PER_PAGE_MAX)] = 10
    active: bool | None = None


class UserCreate(Struct, forbid_unknown_fields=True):
    """A new user."""

    username: Username
    password: Password
    email: Email = ""


class UserPatch(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The fields to change; `is_active` may be changed by staff only."""

    email: Email | msgspec.UnsetType = msgspec.UNSET
    is_active: bool | msgspec.UnsetType = msgspec.UNSET


class UserPath(Struct):
    """The id in the path."""

    user_id: Annotated[int, Meta(ge=1, le=2**63 - 1)]


class Deleted(Struct):
    """The answer to a DELETE."""

    deleted: bool = True
