"""The tutorial on asynchronous Django: its examples of Channels. The table in `docs/tour.md` has a row for each.

The others are the api's, in its own `test_tutorial.py`. What else must hold is tested beside the code that does it.
"""

from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from channels.layers import get_channel_layer
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.testing import WebsocketCommunicator

from accounts.models import User
from chassis.handler import Handler
from pubsub_layer.layer import PubSubChannelLayer
from realtime.asgi import application, sockets
from realtime.chat import ChatConsumer
from realtime.origins import OriginCheck
from rooms import events

from .conftest import Connect, cookie


@pytest.fixture(autouse=True)
def _any_room_name(settings: Any) -> None:
    settings.ROOMS_ON_DEMAND = True


def test_18_channels_set_up() -> None:
    """HTTP and WebSockets behind one application, an Origin check around the URLs, and a layer in Redis."""
    assert isinstance(application, ProtocolTypeRouter)
    assert isinstance(application.application_mapping["http"], Handler)
    assert isinstance(application.application_mapping["websocket"], OriginCheck)
    assert isinstance(sockets, URLRouter)
    assert isinstance(get_channel_layer(), PubSubChannelLayer)


async def test_19_consumer(connect: Connect, ada: User) -> None:
    """It joins, announces who came, passes messages on with the sender's name, and announces who left."""
    guest = await connect("testroom")
    hers = await connect("testroom", **await cookie(ada))
    while (joined := await guest.next("user_join"))["username"] != "ada":
        pass
    assert joined == {"type": "user_join", "username": "ada"}
    await hers.send(message="Hello, World!")
    message = await guest.next("message")
    assert (message["message"], message["username"]) == ("Hello, World!", "ada")
    await hers.leave()
    assert await guest.next("user_leave") == {"type": "user_leave", "username": "ada"}


async def test_20_sending_from_outside(connect: Connect) -> None:
    """Async code and synchronous code send to a room; `test_processes.py` shows it across processes."""
    socket = await connect("testroom")
    await socket.next("user_join")
    assert await events.notify("testroom", "from async code")
    assert await socket.next("notice") == {"type": "notice", "notice": "from async code"}
    assert await sync_to_async(lambda: async_to_sync(events.notify)("testroom", "from sync code"))()
    assert await socket.next("notice") == {"type": "notice", "notice": "from sync code"}


async def test_22_tests_of_a_consumer(process: None, database: None, clean_redis: Any) -> None:
    """A guest connects to a room that did not exist before, says something, and receives it."""
    communicator = WebsocketCommunicator(ChatConsumer.as_asgi(), "/ws/chat/testroom/")
    # What the URL router adds.
    communicator.scope["url_route"] = {"args": (), "kwargs": {"room": "testroom"}}
    connected, _ = await communicator.connect(timeout=10)
    assert connected
    await communicator.send_json_to({"message": "Hello, World!"})
    while (frame := await communicator.receive_json_from(timeout=10))["type"] != "message":
        pass
    assert frame["message"] == "Hello, World!"
    await communicator.disconnect(timeout=10)
