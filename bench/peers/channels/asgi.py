"""Stock Channels as its tutorial has it: a consumer a socket, `group_send` to a group a room.

`LAYER` is `pubsub` or `core`. With `?since=<seq>` a socket reads what it missed when it connects, one query a client.
"""

import json
import os
from urllib.parse import parse_qs, urlsplit

import django
from django.conf import settings

database = urlsplit(os.environ["DATABASE_URL"])
redis = urlsplit(os.environ["REDIS_URL"])
# The core layer blocks in Redis for 5 s, which is redis-py's own timeout too.
host = {"host": redis.hostname, "port": redis.port, "socket_timeout": 30}
layer = {
    "pubsub": "channels_redis.pubsub.RedisPubSubChannelLayer",
    "core": "channels_redis.core.RedisChannelLayer",
}[os.environ.get("LAYER", "pubsub")]

settings.configure(
    SECRET_KEY="bench",  # noqa: S106 - protects nothing
    CHANNEL_LAYERS={"default": {"BACKEND": layer, "CONFIG": {"hosts": [host], "capacity": 1000}}},
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": database.hostname,
            "PORT": database.port,
            "NAME": database.path.lstrip("/"),
            "USER": database.username,
            "PASSWORD": database.password or "",
            "CONN_MAX_AGE": 60,
            "OPTIONS": {"application_name": "bench-channels"},
        }
    },
    INSTALLED_APPS=["channels"],
)
django.setup()

from channels.db import database_sync_to_async  # noqa: E402 - Django is set up above
from channels.generic.websocket import AsyncWebsocketConsumer  # noqa: E402 - as above
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402 - as above
from django.db import connection  # noqa: E402 - as above
from django.urls import path  # noqa: E402 - as above

from bench.peers import envelope  # noqa: E402 - as above

_HISTORY = (
    "SELECT seq, client_id, body, username, message.created_at FROM rooms_message message"
    " JOIN rooms_room room ON room.id = message.room_id WHERE room.name = %s AND seq > %s ORDER BY seq LIMIT 200"
)


@database_sync_to_async
def history(room: str, since: int) -> list[str]:
    """What follows number `since`, as JSON."""
    with connection.cursor() as cursor:
        cursor.execute(_HISTORY, (room, since))
        return [
            json.dumps(
                {
                    "type": "message",
                    "room": room,
                    "seq": seq,
                    "id": str(client_id),
                    "message": body,
                    "username": username,
                    "ts": created_at.isoformat(),
                }
            )
            for seq, client_id, body, username, created_at in cursor.fetchall()
        ]


class ChatConsumer(AsyncWebsocketConsumer):
    """One socket in one room."""

    async def connect(self) -> None:
        """Join the room's group; with `since`, send what was missed."""
        self.room = self.scope["url_route"]["kwargs"]["room"]
        await self.channel_layer.group_add(self.room, self.channel_name)
        await self.accept()
        since = parse_qs(self.scope["query_string"].decode()).get("since")
        if since:
            for text in await history(self.room, int(since[0])):
                await self.send(text_data=text)
        await self.send(text_data=envelope.READY)

    async def disconnect(self, code: int) -> None:
        """Leave the group."""
        await self.channel_layer.group_discard(self.room, self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Send a message to the room."""
        text = json.loads(text_data or "{}")["message"]
        event = {"type": "chat.message", "message": envelope.message(self.room, text)}
        await self.channel_layer.group_send(self.room, event)

    async def chat_message(self, event: dict[str, object]) -> None:
        """A message came from the group."""
        await self.send(text_data=json.dumps(event["message"]))


app = ProtocolTypeRouter({"websocket": URLRouter([path("ws/chat/<str:room>/", ChatConsumer.as_asgi())])})
