"""The channel layer of one event loop: channels, groups, and which server each belongs to. See `pubsub_layer.layer`."""

import logging
import uuid
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from functools import partial
from typing import Any

from channels_redis.utils import _consistent_hash, decode_hosts

from pubsub_layer.bounded_queue import LOST, BoundedQueue
from pubsub_layer.pools import UNAVAILABLE
from pubsub_layer.shard import Shard

logger = logging.getLogger(__name__)


class LoopLayer:
    """The layer of one event loop, with the API of a Channels layer and its extensions `groups` and `flush`."""

    extensions = ("groups", "flush")

    def __init__(
        self,
        hosts: Sequence[Any] | None = None,
        *,
        channel_layer: Any,
        prefix: str = "asgi",
        capacity: int = 1000,
        timeout: float = 1.0,
        abandoned_after: float = 60.0,
        lost_message: Mapping[str, Any] | None = None,
    ) -> None:
        self.prefix = prefix
        self.channels: dict[str, BoundedQueue] = {}
        self.groups: dict[str, set[str]] = {}
        self._codec = channel_layer
        self._capacity = capacity
        self._abandoned_after = abandoned_after
        self._lost_message = lost_message
        self._shards = [
            Shard(host, timeout=timeout, on_message=self._deliver, on_loss=self._lost) for host in decode_hosts(hosts)
        ]

    async def new_channel(self, prefix: str = "specific.") -> str:
        """The name of a new channel. If Redis does not answer, it is subscribed later."""
        channel = f"{self.prefix}{prefix}{uuid.uuid4().hex}"
        try:
            await self._open(channel)
        except BaseException:
            # Cancelled: nobody will ever know the name.
            self._delete(channel)
            raise
        return channel

    async def delete_channel(self, channel: str) -> None:
        """End a channel: it leaves its groups and what waits in it is dropped. Does not wait for Redis."""
        self._delete(channel)

    async def send(self, channel: str, message: Mapping[str, Any]) -> None:
        """Send to a channel of whatever process."""
        await self._shard(channel).publish(channel, self._codec.serialize(message))

    async def receive(self, channel: str) -> dict[str, Any]:
        """The next message of a channel of this process; opens it if `new_channel` has not. May be cancelled."""
        queue = self.channels.get(channel)
        if queue is None:
            queue = await self._open(channel)
        item = await queue.get()
        while item is LOST:
            if self._lost_message is not None:
                return deepcopy(dict(self._lost_message))
            logger.warning("bus.messages_lost", extra={"channel": channel})
            item = await queue.get()
        message: dict[str, Any] = self._codec.deserialize(item)
        return message

    async def group_add(self, group: str, channel: str) -> None:
        """Add a channel of this process to a group. See the module for what it means when this raises."""
        if channel not in self.channels:
            raise RuntimeError(f"{channel!r} is no channel of this process: only those can be added to a group here")
        name = self._group_name(group)
        self.groups.setdefault(name, set()).add(channel)
        self.channels[channel].groups.add(name)
        await self._shard(name).subscriptions.subscribe(name)

    async def group_discard(self, group: str, channel: str) -> None:
        """Take a channel out of a group, if it is there. Does not wait for Redis."""
        name = self._group_name(group)
        if channel in self.channels:
            self.channels[channel].groups.discard(name)
        self._leave(name, channel)

    async def group_send(self, group: str, message: Mapping[str, Any]) -> None:
        """Send to every channel in a group."""
        name = self._group_name(group)
        await self._shard(name).publish(name, self._codec.serialize(message))

    async def flush(self) -> None:
        """Forget all channels and groups of this process and close its connections; the layer can be used on."""
        for queue in self.channels.values():
            queue.close()
        self.channels.clear()
        self.groups.clear()
        for shard in self._shards:
            await shard.close()

    def _group_name(self, group: str) -> str:
        return f"{self.prefix}__group__{group}"

    def _shard(self, name: str) -> Shard:
        index: int = _consistent_hash(name, len(self._shards))
        return self._shards[index]

    async def _open(self, channel: str) -> BoundedQueue:
        delete = partial(self._delete, channel)
        queue = self.channels[channel] = BoundedQueue(self._capacity, delete, self._abandoned_after)
        try:
            await self._shard(channel).subscriptions.subscribe(channel)
        except UNAVAILABLE as error:
            logger.warning("bus.channel_unconfirmed", extra={"channel": channel, "reason": str(error)})
        return queue

    def _delete(self, channel: str) -> None:
        queue = self.channels.pop(channel, None)
        if queue is None:
            return
        queue.close()
        for name in queue.groups:
            self._leave(name, channel)
        self._shard(channel).subscriptions.unsubscribe(channel)

    def _leave(self, name: str, channel: str) -> None:
        members = self.groups.get(name, set())
        members.discard(channel)
        if name in self.groups and not members:
            del self.groups[name]
            self._shard(name).subscriptions.unsubscribe(name)

    def _local(self, name: str) -> Iterable[str]:
        return (name,) if name in self.channels else self.groups.get(name, ())

    def _deliver(self, name: str, message: bytes) -> None:
        for channel in self._local(name):
            if not self.channels[channel].put(message):
                logger.warning("bus.channel_overflowed", extra={"channel": channel})

    def _lost(self, names: Iterable[str]) -> None:
        for channel in {channel for name in names for channel in self._local(name)}:
            self.channels[channel].put_loss()
