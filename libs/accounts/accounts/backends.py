"""The authentication backend: Django's, with its async look-up on the true async connection."""

from typing import Any

from django.contrib.auth.backends import ModelBackend

from accounts import users
from accounts.models import User


class AsyncModelBackend(ModelBackend):
    """`aget_user` without a thread; everything else as in `ModelBackend`."""

    async def aget_user(self, user_id: Any) -> User | None:
        """The active user with that primary key, or None."""
        return await users.active(user_id)
