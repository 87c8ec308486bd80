"""The way out of a socket: framing, and servers other than ours."""

import asyncio
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from realtime import outlet as outlet_module
from realtime import wire
from realtime.outlet import outlet
from testing.waiting import DEADLINE

SIZES = st.one_of(st.integers(0, 130), st.integers(0xFFFF - 2, 0xFFFF + 2))


def parsed(message: bytes) -> Frame:
    """What a client makes of it."""
    stream = StreamReader()
    stream.feed_data(message)
    reading = Frame.parse(stream.read_exact, mask=False)
    try:
        next(reading)
    except StopIteration as done:
        frame: Frame = done.value
        return frame
    raise AssertionError("the message is not complete")


@given(size=SIZES)
def test_text_message(size: int) -> None:
    """One final text frame without a mask, whatever the size; and back."""
    payload = b"x" * size
    frame = parsed(wire.text(payload))
    assert (frame.opcode, frame.data, frame.fin) == (Opcode.TEXT, payload, True)
    assert wire.payload(wire.text(payload)) == payload


class Server:
    """The `send` of a server that takes messages one at a time, when it is let."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.takes = asyncio.Event()

    async def send(self, message: Any) -> None:
        """Take one."""
        await self.takes.wait()
        self.sent.append(message["text"])


async def test_other_servers_get_everything_in_order(monkeypatch: Any) -> None:
    """Without our server's extension messages go through ASGI, in order, before the close."""
    monkeypatch.setattr(outlet_module, "CLOSE_SECONDS", DEADLINE)
    server, texts = Server(), [str(number) for number in range(50)]
    way_out = outlet({"type": "websocket"}, server.send, lambda: None)
    server.takes.set()
    for text in texts:
        way_out.write(wire.text(text.encode()))
    await way_out.close()
    assert server.sent == texts


async def test_bound_for_other_servers() -> None:
    """What a server does not take is bounded, and told."""
    server, told = Server(), []
    way_out = outlet({"type": "websocket"}, server.send, lambda: told.append(True))
    for _ in range(outlet_module.MAX_WAITING + 1):
        way_out.write(wire.text(b"x"))
    assert told == [True]
    server.takes.set()
    await way_out.close()


async def test_flushed_waits_for_other_servers() -> None:
    """Whoever replays history waits until the server has taken enough."""
    server = Server()
    way_out = outlet({"type": "websocket"}, server.send, lambda: None)
    await way_out.flushed()
    for _ in range(outlet_module.MAX_WAITING - 1):
        way_out.write(wire.text(b"x"))
    flushed = asyncio.create_task(way_out.flushed())
    await asyncio.sleep(0)
    assert not flushed.done()
    server.takes.set()
    await flushed
    await way_out.close()


async def test_close_does_not_wait_for_ever(monkeypatch: Any) -> None:
    """A server that takes nothing more cannot hold up the end of a socket."""
    monkeypatch.setattr(outlet_module, "CLOSE_SECONDS", 0)
    way_out = outlet({"type": "websocket"}, Server().send, lambda: None)
    way_out.write(wire.text(b"x"))
    await way_out.close()
