"""Messages as the admin can take them.

The table's key is a room and a number, and Django's admin refuses models whose key is more than one column. So there is
a view over the table with both in one text.
"""

from typing import ClassVar

from django.db import models

from rooms.models import Room


class Message(models.Model):
    """A row of the view `administration_message`; `id` is `<room id>-<seq>`. Nothing is written through it."""

    id = models.CharField(max_length=41, primary_key=True)
    room = models.ForeignKey(Room, on_delete=models.DO_NOTHING, related_name="+")
    seq = models.BigIntegerField()
    sender = models.CharField(max_length=80)
    username = models.CharField(max_length=150)
    body = models.TextField()
    created_at = models.DateTimeField()

    class Meta:
        """The constraint is the table's; the admin sees by it that room and number are order enough."""

        managed = False
        constraints: ClassVar = [models.UniqueConstraint(fields=["room", "seq"], name="administration_message_once")]

    def __str__(self) -> str:
        return f"{self.room_id}#{self.seq}"
