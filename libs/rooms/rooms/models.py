"""The tables of delivery: a room counts its messages, and a message is its room and its number."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone
from django_async_backend.db.models.base import AsyncModelMixin


class Room(AsyncModelMixin, models.Model):
    """A room; `last_seq` is the number of its newest message, `removals` how many memberships were taken.

    The row lock of the update that raises `last_seq` makes number order commit order, so a reader that has seen n has
    seen everything up to n. A new `epoch` says that numbers started over (a restored backup): clients must start over
    too.

    A room that is `on_demand` was made when someone opened its name, and is removed after it has been empty for long.
    `used_at` is when it was last known to have someone in it, give or take twice `rooms.access.stale_seconds()`.
    """

    name = models.CharField(max_length=64, unique=True)
    title = models.CharField(max_length=200)
    public = models.BooleanField(default=True)
    last_seq = models.BigIntegerField(default=0)
    epoch = models.UUIDField(default=uuid.uuid4)
    removals = models.BigIntegerField(default=0, db_default=0)
    on_demand = models.BooleanField(default=False, db_default=False)
    used_at = models.DateTimeField(default=timezone.now, db_default=Now())
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        """The name is checked by the database too: group names are made from it.

        The index holds rooms made on demand only: how many there are, and which of them may be removed.
        """

        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.CheckConstraint(name="room_name_valid", condition=models.Q(name__regex=r"^[A-Za-z0-9_]{1,64}$")),
        ]
        indexes: ClassVar = [
            models.Index(name="room_on_demand", fields=["used_at"], condition=models.Q(on_demand=True)),
        ]

    def __str__(self) -> str:
        return self.name


class Membership(AsyncModelMixin, models.Model):
    """Admits `user` to a room that is not public."""

    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        """One row a room and user."""

        constraints: ClassVar = [models.UniqueConstraint(fields=["room", "user"], name="membership_once")]

    def __str__(self) -> str:
        return f"user {self.user_id} in room {self.room_id}"


class Message(AsyncModelMixin, models.Model):
    """Message number `seq` of `room`.

    `sender` is `user:<id>` or `guest:<name>`; together with the client's own id it makes a repeated post recognisable.
    """

    pk = models.CompositePrimaryKey("room_id", "seq")
    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="messages")
    seq = models.BigIntegerField()
    sender = models.CharField(max_length=80)
    username = models.CharField(max_length=150)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    client_id = models.UUIDField()
    body = models.TextField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        """Posting twice with one client id is impossible, not merely unlikely."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=["room", "sender", "client_id"], name="message_once"),
        ]

    def __str__(self) -> str:
        return f"{self.room_id}#{self.seq}"
