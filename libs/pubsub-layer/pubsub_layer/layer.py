"""A Channels layer over Redis pub/sub that says what it has lost.

On the wire it is `channels_redis.pubsub.RedisPubSubChannelLayer`: processes with either understand each other. What is
different is what happens when Redis does not answer or the connection breaks:

- There, a reconnect loses messages and nobody is told (channels_redis issues #256 and #406). Here every channel whose
  connection was lost receives `lost_message` once all of its subscriptions are confirmed again, so that its reader can
  fetch what it missed from where messages are stored.
- There, `group_add` returns once SUBSCRIBE was written. Here it returns once Redis has confirmed it, or raises
  `redis.exceptions.ConnectionError` or `TimeoutError` within `timeout`. What raised stays added: it is subscribed as
  soon as Redis can be reached, and then the channel receives that message too. `group_discard` takes it back.
- There, queues grow without bound. Here a channel holds `capacity` messages; one more, and one `lost_message` takes
  their place.
- There, publishing and subscribing wait for each other and for a frozen server. Here they share nothing, and a send
  takes at most `timeout`.
- There, a cancelled `receive` ends the channel. Here it loses nothing and `receive` may be called again. Whoever is
  done with a channel calls `delete_channel`. A consumer that knows only Channels' own API just cancels its `receive`:
  `abandoned_after` seconds later, if nobody has received since, the channel is deleted.

Without a `lost_message` losses are only logged. That is the default: stock consumers fail on a type without a handler.
"""

import asyncio

from channels_redis.pubsub import RedisPubSubChannelLayer
from channels_redis.utils import _wrap_close

from pubsub_layer.loop_layer import LoopLayer


class PubSubChannelLayer(RedisPubSubChannelLayer):
    """What `CHANNEL_LAYERS` names: passes calls on to the `LoopLayer` of the running event loop."""

    def _get_layer(self) -> LoopLayer:
        loop = asyncio.get_running_loop()
        if loop not in self._layers:
            self._layers[loop] = LoopLayer(*self._args, **self._kwargs, channel_layer=self)
            _wrap_close(self, loop)
        layer: LoopLayer = self._layers[loop]
        return layer
