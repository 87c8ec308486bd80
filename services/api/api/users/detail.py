"""The mixin over the synchronous ORM: how to call code that has no async form.

`sync_to_async` runs the call on this request's thread (thread-sensitive, its default), so several calls of one request
share one database connection and its transaction. With `thread_sensitive=False` each call could land on another thread
and another connection. It costs a thread hop a call: compare the two details in `docs/tour.md`.
"""

from asgiref.sync import sync_to_async

from accounts.models import User
from chassis.errors import NotFound


class UserDetailMixin:
    """Gives a view `get_user`, backed by synchronous code."""

    async def get_user(self, user_id: int) -> User:
        """The user, or `NotFound`."""
        return await sync_to_async(self._get_user)(user_id)

    def _get_user(self, user_id: int) -> User:
        try:
            return User.objects.get(pk=user_id)
        except User.DoesNotExist as error:
            raise NotFound("User not found") from error
