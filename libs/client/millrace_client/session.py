"""One connection, from its handshake to its end."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, assert_never

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from millrace_client import frames
from millrace_client.closing import ABNORMAL, TOO_SLOW
from millrace_client.frames import Event, Frame, Message, ResyncRequired
from millrace_client.inbox import Gap, Inbox, Place
from millrace_client.outbox import Outbox
from millrace_client.pacing import BURST, Backoff, Pace
from millrace_client.sending import send_all

logger = logging.getLogger("millrace_client")


@dataclass(eq=False)
class Session:
    """What one connection does between a room's inbox and outbox."""

    connection: ClientConnection
    inbox: Inbox
    outbox: Outbox
    retries: Backoff
    on_event: Callable[[Event], None] | None
    on_synced: Callable[[], None]
    patience: float
    pace: Pace = field(default_factory=Pace)
    synced_at: float | None = None
    _epoch: str | None = None
    _held: list[Message] = field(default_factory=list)
    _left: int | None = None
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def run(self) -> int:
        """Read until the connection ends; returns its close code. Raises what `on_event` raises."""
        self.inbox.renewed()
        self._epoch = self.inbox.received.epoch if self.inbox.received else None
        try:
            await self._read()
        finally:
            await self._end()
        return self._left or self.connection.close_code or ABNORMAL

    @property
    def lasted(self) -> float:
        """For how many seconds it was live."""
        return 0 if self.synced_at is None else asyncio.get_running_loop().time() - self.synced_at

    async def type(self) -> None:
        """Say that the user is typing, where the connection is live and messages do not need the pace."""
        if self.synced_at is not None and not self.pace.take(spare=BURST / 2):
            with contextlib.suppress(ConnectionClosed):
                await self.connection.send(frames.TYPING)

    def leave(self, code: int, why: str) -> None:
        """Give the connection up, as if it had been closed with `code`."""
        logger.warning("the connection is given up: %s", why)
        self._left = self._left or code
        self.connection.transport.abort()

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        deadline = asyncio.timeout(self.patience)
        try:
            async with deadline:
                async for text in self.connection:
                    if self._left is not None:
                        return
                    deadline.reschedule(None)
                    await self._handle(self._decoded(text))
                    if self.synced_at is None:
                        deadline.reschedule(loop.time() + self.patience)
        except ConnectionClosed:
            return
        except Gap as gap:
            self.leave(ABNORMAL, f"a message is missing: {gap}")
        except TimeoutError:
            if not deadline.expired():
                raise
            self.leave(ABNORMAL, f"nothing came for {self.patience:g} s, and no `synced`")

    def _decoded(self, text: str | bytes) -> Frame | None:
        try:
            return frames.decode(text)
        except ValueError as error:
            logger.warning("a broken frame is ignored: %s", error)
            return None

    async def _handle(self, frame: Frame | None) -> None:
        match frame:
            case None:
                pass
            case Message():
                await self._message(frame)
            case frames.Synced():
                await self._synced(frame)
            case ResyncRequired():
                self._epoch = frame.epoch
                self.inbox.forget(frame)
            case frames.Ack():
                self.outbox.acknowledged(frame)
            case frames.Failure():
                self.outbox.refused(frame)
            case frames.Presence() | frames.UserJoin() | frames.UserLeave() | frames.Typing() | frames.Notice():
                if self.on_event is not None:
                    self.on_event(frame)
            case _:
                assert_never(frame)

    async def _message(self, message: Message) -> None:
        self.outbox.seen(message)
        if self._epoch is None:
            # Without its epoch a number is no place to resume from; `synced` brings it.
            self._held.append(message)
        else:
            await self.inbox.offer(message, self._epoch)

    async def _synced(self, synced: frames.Synced) -> None:
        self._epoch = synced.epoch
        for message in self._held:
            await self.inbox.offer(message, synced.epoch)
        self._held.clear()
        place = Place(synced.epoch, synced.seq)
        self.inbox.start(place)
        received = self.inbox.received
        if received is not None and received.seq < synced.seq and not self.inbox.behind:
            raise Gap(f"synced at {synced.seq} after {received.seq}")
        if self.synced_at is None:
            self.synced_at = asyncio.get_running_loop().time()
            self._start("messages", self._send())
            self._start("reader", self._renew())
            self.on_synced()

    def _start(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name=f"millrace_client {name}")
        task.add_done_callback(self._stopped)
        self._tasks.append(task)

    def _stopped(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("%s failed", task.get_name(), exc_info=error)
            self.leave(ABNORMAL, "a defect of this library")

    async def _send(self) -> None:
        try:
            await send_all(self.connection, self.outbox, self.pace, self.retries, self.patience)
        except TimeoutError:
            self.leave(ABNORMAL, f"a message was not answered within {self.patience:g} s")
        except ConnectionClosed:
            return

    async def _renew(self) -> None:
        await self.inbox.caught_up()
        self.leave(TOO_SLOW, "messages were left unread")

    async def _end(self) -> None:
        self.outbox.on_its_way = None
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        # Bounded by the connection's close_timeout.
        await self.connection.close()
