"""`Room`: the whole of what a program sees."""

import asyncio
import inspect
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, field
from ssl import SSLContext
from types import TracebackType
from typing import Self
from uuid import UUID

from millrace_client.door import Door, TicketSource
from millrace_client.errors import RoomClosed, RoomError, Unreachable
from millrace_client.frames import Event, Message, ResyncRequired
from millrace_client.inbox import Inbox, Place
from millrace_client.life import Life
from millrace_client.outbox import Outbox
from millrace_client.pacing import Backoff


@dataclass(eq=False)
class Room:
    """A room that stays open: it reconnects by itself, resumes where it was, and repeats what was not acknowledged.

        async with Room("ws://127.0.0.1:8001", "lobby", ticket=tickets("http://127.0.0.1:8000", token)) as room:
            seq = await room.send("hi")
            async for message in room:
                print(message.seq, message.username, message.text)

    Who you are: `ticket` (called with the room's name before each connection; returns a new ticket), or `cookie` (the
    value of a Cookie header) with `origin`, or neither: a guest, where the server allows it. A ticket source may raise
    a `RoomError` to end the room; anything else that it raises is tried again later.

    Messages come in the order of their numbers, each once, one's own too, whatever happens to the connection. They are
    taken by iterating, or by `on_message(message)`, called for one after the other and awaited where it is async.
    Whoever does neither may still send; then the newest are fetched again once somebody iterates.

    `place` is up to where messages were taken (with `on_message`: up to the last for which it returned). It can be read
    at any time, stored, and given to another Room, which goes on after it; None is the newest 50 and what follows.
    `on_resync(resync)` is called, and awaited where it is async, between messages where that place is gone: those that
    follow start over, and are the newest 50. `on_event(event)` is called with everything else (`Presence`, `UserJoin`,
    `UserLeave`, `Typing`, `Notice`); it is a plain function and must not block, for acknowledgements wait meanwhile.
    A callback that raises ends the room.

    `async with` waits `open_timeout` seconds for the first connection (None: for ever), then raises `Unreachable`.
    Later there is no limit. Every `heartbeat` seconds the server is asked whether it lives, and has as long to say so;
    it has `answer_timeout` seconds to answer a message or to bring history, else the connection is renewed. What cannot
    be mended is a `RoomError`, raised by whatever is called or awaited then, or on leaving `async with` where nothing
    was. At most `outbox` messages wait to be sent, and `unread` to be taken.
    """

    url: str
    name: str
    _: KW_ONLY
    ticket: TicketSource | None = None
    cookie: str | None = field(default=None, repr=False)
    origin: str | None = None
    place: Place | None = None
    on_message: Callable[[Message], object] | None = None
    on_event: Callable[[Event], None] | None = None
    on_resync: Callable[[ResyncRequired], object] | None = None
    open_timeout: float | None = 10
    close_timeout: float = 2
    heartbeat: float = 10
    answer_timeout: float = 15
    outbox: int = 1000
    unread: int = 1000
    backoff: Backoff = field(default_factory=Backoff)
    ssl: SSLContext | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        door = Door(
            self.url,
            self.name,
            self.ticket,
            self.cookie,
            self.origin,
            self.ssl,
            self.heartbeat,
            self.close_timeout,
        )
        self._inbox = Inbox(self.place, self.unread)
        self._outbox = Outbox(self.outbox)
        self._life = Life(door, self._inbox, self._outbox, self.backoff, self.on_event, self.answer_timeout)
        self._tasks: list[asyncio.Task[None]] = []
        self._over: RoomError | None = None
        self._told = False

    async def __aenter__(self) -> Self:
        if self._tasks:
            raise RuntimeError("A Room is entered once")
        self._tasks.append(asyncio.create_task(self._keep_open(), name="millrace_client room"))
        if self.on_message is not None:
            self._tasks.append(asyncio.create_task(self._call_back(self.on_message), name="millrace_client messages"))
        try:
            async with asyncio.timeout(self.open_timeout):
                await self._life.ready.wait()
        except TimeoutError:
            await self.close()
            raise Unreachable(f"No connection within {self.open_timeout:g} s") from self._life.failure
        except BaseException:
            await self.close()
            raise
        try:
            self._raise_unless_closed()
        except RoomError:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()
        if error is None and not self._told:
            self._raise_unless_closed()

    @property
    def connected(self) -> bool:
        """True while messages come and go."""
        return self._over is None and self._life.live

    async def send(self, text: str, id: str | UUID | None = None) -> int:  # noqa: A002 - the protocol's word
        """Send a message; returns its number once the server has stored it, however many connections that takes.

        Messages are stored in the order in which they were sent, each once: one is on its way at a time, and is
        repeated with the same `id` (made here unless given) until it has its outcome. Raises a `SendError` where it was
        not stored, and a `RoomError` where the room ends first: then, and where the call is cancelled, the outcome is
        unknown, and the same text may be sent again with the same `id`. A guest is another guest after a reconnect:
        what was stored is recognised in the history, but in the instant between the two it may be stored twice.
        """
        if not self._tasks:
            raise RuntimeError("A Room is used within `async with`")
        if self._over is not None:
            self._raise()
        pending = self._outbox.add(text, id)
        try:
            return await pending.done
        except RoomError:
            self._told = True
            raise
        finally:
            self._outbox.discard(pending)

    async def typing(self) -> None:
        """Tell the others that the user is typing; nothing is done without a connection, or where it would be often."""
        await self._life.type()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Message:
        """The next message; ends after `close()`, raises the `RoomError` that ended the room otherwise."""
        if self.on_message is not None:
            raise RuntimeError("on_message takes the messages")
        if not self._tasks:
            raise RuntimeError("A Room is used within `async with`")
        taken = await self._take()
        if taken is None:
            self._raise_unless_closed()
            raise StopAsyncIteration
        message, self.place = taken
        return message

    async def wait_closed(self) -> None:
        """Waits until the room is over; raises the `RoomError` unless that was by `close()`."""
        await self._life.over.wait()
        self._raise_unless_closed()

    async def close(self) -> None:
        """End the room; waiting sends fail with `RoomClosed`. Takes `close_timeout` seconds at most, and a moment."""
        self._finish(RoomClosed("The room was closed"))
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=self.close_timeout + 1)

    async def _keep_open(self) -> None:
        try:
            await self._life.run()
        except RoomError as error:
            self._finish(error)
        except Exception as error:  # noqa: BLE001 - whatever on_event raised reaches the user as the cause
            self._finish_from(error)

    async def _call_back(self, on_message: Callable[[Message], object]) -> None:
        try:
            while (taken := await self._take()) is not None:
                message, place = taken
                await _call(on_message, message)
                self.place = place
        except Exception as error:  # noqa: BLE001 - the same
            self._finish_from(error)

    async def _take(self) -> tuple[Message, Place | None] | None:
        while (item := await self._inbox.get()) is not None:
            what, place = item
            if isinstance(what, Message):
                return what, place
            self.place = place
            if what is not None and self.on_resync is not None:
                await _call(self.on_resync, what)
        return None

    def _finish_from(self, error: Exception) -> None:
        over = RoomClosed(f"A callback raised {type(error).__name__}")
        over.__cause__ = error
        self._finish(over)
        self._tasks[0].cancel()

    def _finish(self, error: RoomError) -> None:
        if self._over is None:
            self._over = error
            self._outbox.fail(error)
            self._inbox.end()
            self._life.ready.set()
            self._life.over.set()

    def _raise_unless_closed(self) -> None:
        if self._over is not None and (type(self._over) is not RoomClosed or self._over.__cause__ is not None):
            self._raise()

    def _raise(self) -> None:
        self._told = True
        raise (self._over or RoomClosed("The room is over")).again()


async def _call[T](callback: Callable[[T], object], argument: T) -> None:
    outcome = callback(argument)
    if inspect.isawaitable(outcome):
        await outcome
