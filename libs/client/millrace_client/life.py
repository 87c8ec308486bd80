"""One connection after the other, until the room is over."""

import asyncio
import logging
from collections.abc import Callable

from websockets.exceptions import InvalidStatus

from millrace_client.closing import AT_ONCE, NOT_SIGNED_IN, at_once_after_handshake, final_error
from millrace_client.door import Door
from millrace_client.errors import NotSignedIn, RoomError
from millrace_client.frames import Event
from millrace_client.inbox import Inbox
from millrace_client.outbox import Outbox
from millrace_client.pacing import Backoff
from millrace_client.session import Session

logger = logging.getLogger("millrace_client")


class Life:
    """`ready` is set by the first `synced`, and by the end; `failure` is why the last connection did not open."""

    def __init__(
        self,
        door: Door,
        inbox: Inbox,
        outbox: Outbox,
        backoff: Backoff,
        on_event: Callable[[Event], None] | None,
        patience: float,
    ) -> None:
        self._door = door
        self._inbox = inbox
        self._outbox = outbox
        self._backoff = backoff
        self._on_event = on_event
        self._patience = patience
        self._session: Session | None = None
        self._renewed = False
        self.ready = asyncio.Event()
        self.over = asyncio.Event()
        self.failure: Exception | None = None

    @property
    def live(self) -> bool:
        """True between `synced` and the end of a connection."""
        return self._session is not None and self._session.synced_at is not None

    async def type(self) -> None:
        """A `typing` frame, where there is a connection."""
        if self._session is not None:
            await self._session.type()

    async def run(self) -> None:
        """Never returns; raises the `RoomError` that ends the room, or what `on_event` raised."""
        while True:
            at_once = await self._once()
            delay = self._backoff.delay(at_once=at_once)
            logger.info("reconnecting to %s in %.2f s", self._door.name, delay)
            await asyncio.sleep(delay)

    async def _once(self) -> bool:
        """One connection; True where the next may come at once."""
        try:
            connection = await self._door.open(self._inbox.received)
        except RoomError:
            raise
        except InvalidStatus as error:
            self.failure = error
            return at_once_after_handshake(error)
        # The network's errors and websockets', and those of the user's ticket source, which can be anything.
        except Exception as error:  # noqa: BLE001 - kept for `Unreachable`, and logged
            self.failure = error
            logger.warning("no connection to %s: %s", self._door.name, type(error).__name__)
            return False
        # A connection has its own count of refused messages, or one that was refused often would slow the next.
        retries = Backoff(self._backoff.base, self._backoff.cap, uniform=self._backoff.uniform)
        session = Session(
            connection, self._inbox, self._outbox, retries, self._on_event, self.ready.set, self._patience
        )
        self._session = session
        try:
            code = await session.run()
        finally:
            self._session = None
        logger.info("the connection to %s ended with %d", self._door.name, code)
        if session.synced_at is not None:
            self._renewed = False
            if session.lasted >= self._backoff.lasted:
                self._backoff.reset()
        return self._again(code)

    def _again(self, code: int) -> bool:
        if code == NOT_SIGNED_IN:
            # A ticket may have been too old on arrival; a second one is not.
            if self._door.ticket is None or self._renewed:
                raise NotSignedIn("Nobody is signed in, or the ticket is not valid")
            self._renewed = True
            return True
        error = final_error(code)
        if error is not None:
            raise error
        return code in AT_ONCE
