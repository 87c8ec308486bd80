"""Users in the database: true async ORM, one query where two were."""

from collections.abc import AsyncIterator
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError

from accounts.models import User
from accounts.passwords import hash_password
from api.users.schemas import UserOut
from chassis import database
from chassis.errors import BadRequest, Conflict, NotFound

EXPORT_CHUNK = 2000
_FIELDS = ("id", "username", "is_active", "is_staff", "date_joined")


async def page_of(page: int, per_page: int, active: bool | None) -> tuple[list[UserOut], int]:
    """One page of users by id, and the number of all that match."""
    users = User.async_objects.order_by("id")
    if active is not None:
        users = users.filter(is_active=active)
    total = await users.acount()
    start = (page - 1) * per_page
    rows = [UserOut(*row) async for row in users.values_list(*_FIELDS)[start : start + per_page]]
    return rows, total


async def get(user_id: int) -> User:
    """The user, or `NotFound`."""
    user: User | None = await User.async_objects.filter(pk=user_id).afirst()
    if user is None:
        raise NotFound("User not found")
    return user


async def create(username: str, password: str, email: str) -> User:
    """A new active user.

    Raises `BadRequest` (with `reasons`) for a weak password, `Conflict` for a taken name and `TooManyRequests`.
    """
    user = User(username=username, email=email)
    try:
        # Reads a packaged word list on its first call, memory after that.
        validate_password(password, user)
    except ValidationError as error:
        raise BadRequest(" ".join(error.messages), reasons=error.messages) from error
    # Hashing waits in line for a processor; a connection held meanwhile would be missed by everybody else.
    await database.release()
    user.password = await hash_password(password)
    try:
        await user.async_save(force_insert=True)
    except IntegrityError as error:
        raise Conflict("Username is taken") from error
    return user


async def change(user: User, **fields: Any) -> User:
    """Set `fields` of `user` and store them; `NotFound` where the user was deleted meanwhile."""
    for name, value in fields.items():
        setattr(user, name, value)
    try:
        await user.async_save(update_fields=list(fields))
    except User.NotUpdated as error:
        raise NotFound("User not found") from error
    return user


async def delete(user: User) -> None:
    """Delete `user` and what belongs to them."""
    await user.async_delete()


async def export() -> AsyncIterator[list[UserOut]]:
    """All users by id, `EXPORT_CHUNK` at a time.

    Keyset pages, each on a connection of its own: memory stays flat, no transaction stays open while a slow client
    reads, and no connection is held between pages.
    """
    last = 0
    while True:
        async with database.connection():
            users = User.async_objects.filter(pk__gt=last).order_by("pk").values_list(*_FIELDS)[:EXPORT_CHUNK]
            chunk = [UserOut(*row) async for row in users]
        if not chunk:
            return
        yield chunk
        last = chunk[-1].id
