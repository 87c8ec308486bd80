"""A Channels layer over Redis pub/sub that says what it has lost. It needs channels-redis and redis only.

layer.py          PubSubChannelLayer, what CHANNEL_LAYERS names; what is different from channels-redis
loop_layer.py     LoopLayer: the channels and groups of one event loop
shard.py          Shard: one Redis server
subscriptions.py  Subscriptions: keeps names subscribed for ever
confirmations.py  Confirmations: what the server has confirmed; no input or output
connection.py     SubscriberConnection: one connection, from its start to its loss
bounded_queue.py  BoundedQueue: the messages of one channel
pools.py          connection pools whose connections fail in one way
"""

from pubsub_layer.layer import PubSubChannelLayer
from pubsub_layer.pools import UNAVAILABLE, checked

__all__ = ["UNAVAILABLE", "PubSubChannelLayer", "checked"]
