"""Users by id, as nearly every request asks for them."""

from django.db.models import BigIntegerField

from accounts.models import User
from chassis.database.prepared import Param, Prepared, columns, instance

_BY_ID = Prepared(lambda: User.objects.filter(pk=Param("id", BigIntegerField())).values_list(*columns(User)))


async def get(user_id: int) -> User | None:
    """The user, or None."""
    rows = await _BY_ID.fetch_all(id=user_id)
    return instance(User, rows[0]) if rows else None


async def active(user_id: int) -> User | None:
    """The user where they may sign in, or None."""
    user = await get(user_id)
    return user if user is not None and user.is_active else None
