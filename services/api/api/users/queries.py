"""Users in the database: true async ORM, prepared statements where every request asks the same."""

from collections.abc import AsyncIterator
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.db.models import BooleanField, Count, QuerySet, Subquery, Value

from accounts import users
from accounts.models import User
from accounts.passwords import hash_password
from api.users.schemas import UserOut
from chassis import database
from chassis.database.prepared import Param, Prepared
from chassis.errors import BadRequest, Conflict, NotFound

EXPORT_CHUNK = 2000
_FIELDS = ("id", "username", "is_active", "is_staff", "date_joined")


def _page(*, filtered: bool) -> Prepared:
    """The rows of a page, each with the number of all that match: one round trip for both."""

    def queryset() -> QuerySet[Any, Any]:
        wanted = User.objects.filter(is_active=Param("active", BooleanField())) if filtered else User.objects.all()
        counted = wanted.order_by().values(all=Value(1)).annotate(count=Count("*")).values("count")
        return wanted.order_by("id").values_list(*_FIELDS, Subquery(counted))

    return Prepared(queryset, " LIMIT %s OFFSET %s")


_PAGES = {filtered: _page(filtered=filtered) for filtered in (False, True)}


async def page_of(page: int, per_page: int, active: bool | None) -> tuple[list[UserOut], int]:
    """One page of users by id, and the number of all that match."""
    wanted = {} if active is None else {"active": active}
    rows = await _PAGES[active is not None].fetch_all(per_page, (page - 1) * per_page, **wanted)
    if not rows:
        matching = User.async_objects.all() if active is None else User.async_objects.filter(is_active=active)
        return [], await matching.acount()
    return [UserOut(*row[:-1]) for row in rows], rows[0][-1]


async def get(user_id: int) -> User:
    """The user, or `NotFound`."""
    user = await users.get(user_id)
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
            page = User.async_objects.filter(pk__gt=last).order_by("pk").values_list(*_FIELDS)[:EXPORT_CHUNK]
            chunk = [UserOut(*row) async for row in page]
        if not chunk:
            return
        yield chunk
        last = chunk[-1].id
