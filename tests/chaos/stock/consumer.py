"""The tutorial's chat consumer, made as good as that way allows: it stores, numbers and replays, and its posts are
idempotent. What it does not do is look into the database for what the layer has lost."""

import uuid
from typing import Any
from urllib.parse import parse_qs

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.db import transaction

from rooms.models import Message, Room

_SENDER = "guest:stock"


class ChatConsumer(AsyncJsonWebsocketConsumer):
    """Speaks so much of our protocol that our clients can use it."""

    async def connect(self) -> None:
        """Join the group first, then replay, so that nothing falls between."""
        self.name = self.scope["url_route"]["kwargs"]["room"]
        self.group = f"stock.{self.name}"
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()
        query = parse_qs(self.scope["query_string"].decode())
        since = int(query.get("since", ["0"])[0])
        frames, epoch = await database_sync_to_async(self.replay)(since)
        for frame in frames:
            await self.send_json(frame)
        seq = frames[-1]["seq"] if frames else since
        await self.send_json({"type": "synced", "room": self.name, "seq": seq, "epoch": epoch})

    async def disconnect(self, code: int) -> None:
        """Leave the group."""
        await self.channel_layer.group_discard(self.group, self.channel_name)

    async def receive_json(self, content: dict[str, Any], **kwargs: Any) -> None:
        """Store, acknowledge, announce."""
        frame = await database_sync_to_async(self.store)(content["id"], content["message"])
        await self.send_json({"type": "ack", "id": frame["id"], "seq": frame["seq"]})
        await self.channel_layer.group_send(self.group, {"type": "chat.message", "frame": frame})

    async def chat_message(self, event: dict[str, Any]) -> None:
        """Pass on what was announced."""
        await self.send_json(event["frame"])

    def replay(self, since: int) -> tuple[list[dict[str, Any]], str]:
        """What was stored after `since`, and the room's epoch."""
        room = Room.objects.get(name=self.name)
        found = Message.objects.filter(room=room, seq__gt=since).order_by("seq")
        return [self.frame(message) for message in found], str(room.epoch)

    def store(self, client_id: str, text: str) -> dict[str, Any]:
        """The room's next message, once for each id."""
        with transaction.atomic():
            room = Room.objects.select_for_update().get(name=self.name)
            known = Message.objects.filter(room=room, sender=_SENDER, client_id=client_id).first()
            if known is not None:
                return self.frame(known)
            room.last_seq += 1
            room.save(update_fields=["last_seq"])
            message = Message.objects.create(
                room=room,
                seq=room.last_seq,
                sender=_SENDER,
                username="stock",
                client_id=uuid.UUID(client_id),
                body=text,
            )
        return self.frame(message)

    def frame(self, message: Message) -> dict[str, Any]:
        """A message as our protocol has it."""
        return {
            "type": "message",
            "room": self.name,
            "seq": message.seq,
            "id": str(message.client_id),
            "message": message.body,
            "username": message.username,
            "ts": message.created_at.isoformat(),
        }
