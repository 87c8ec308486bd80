"""The tables. Tokens and tickets are stored as digests only: whoever reads the database can use none of them."""

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.utils import timezone
from django_async_backend.db.models.base import AsyncModelMixin


class User(AsyncModelMixin, AbstractUser):
    """Django's user without `last_login`, which costs a synchronous signal and a write on every sign-in."""

    last_login = None
    email = models.EmailField("email address", blank=True)

    class Meta(AbstractUser.Meta):
        """Keyset pages walk the primary key; `?active=` narrows by the flag first."""

        indexes: ClassVar = [models.Index(fields=["is_active", "id"], name="user_active_id")]


class Session(AsyncModelMixin, AbstractBaseSession):
    """Session data in PostgreSQL: a flushed Redis must not sign anybody out."""

    @classmethod
    def get_session_store_class(cls) -> Any:
        """The store that Django's own code asks a session for."""
        from accounts.sessions import SessionStore  # noqa: PLC0415 - the store imports this model

        return SessionStore


class AccessToken(AsyncModelMixin, models.Model):
    """A Bearer token: `digest` is the SHA-256 of what the client holds. Revoked by deleting the row."""

    digest = models.CharField(max_length=64, unique=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="access_tokens")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"token {self.pk} of user {self.user_id}"


class WebSocketTicket(AsyncModelMixin, models.Model):
    """Admits one socket of `user` to `room`, once, until `expires_at`.

    It remembers the credential it was bought with, so that signing out also closes the socket that it opened.
    """

    digest = models.CharField(max_length=64, primary_key=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    room = models.CharField(max_length=64)
    session_key = models.CharField(max_length=40, blank=True)
    access_token = models.ForeignKey(AccessToken, on_delete=models.CASCADE, null=True, related_name="+")
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"ticket of user {self.user_id} for {self.room}"
