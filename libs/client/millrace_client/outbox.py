"""Messages on their way to the server, oldest first, until each has its outcome."""

import asyncio
from dataclasses import dataclass
from uuid import UUID, uuid4

from millrace_client import errors
from millrace_client.frames import Ack, Failure, Message, encode_message

# A longer frame would be refused; one over four times that would end the connection, again and again.
MAX_FRAME_BYTES = 16 * 1024
# Nothing was done, and the same frame may succeed later.
AGAIN = frozenset({"too_fast", "unavailable"})
# These say what is wrong with the message; anything else (`internal`) may pass, and is tried so many times.
FINAL = frozenset({"bad_request", "too_large", "conflict", "not_found"})
TRIES = 5


@dataclass(eq=False, slots=True)
class Pending:
    """A message that waits for its number."""

    id: str
    text: str
    frame: str
    done: asyncio.Future[int]
    tries: int = 0


class Outbox:
    """At most `size` messages, of which only the oldest is ever on its way; `answered` is set by any word about it."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._pending: dict[str, Pending] = {}
        self._filled = asyncio.Event()
        self.answered = asyncio.Event()
        self.on_its_way: Pending | None = None
        self.refusal: str | None = None

    def __len__(self) -> int:
        return len(self._pending)

    def __contains__(self, pending: Pending) -> bool:
        return self._pending.get(pending.id) is pending

    def add(self, text: str, id: str | UUID | None) -> Pending:  # noqa: A002 - the protocol's word
        """Take a message; raises `OutboxFull`, `TooLarge`, `BadMessage`, `Conflict`; ValueError for a bad id."""
        client_id = str(uuid4() if id is None else UUID(str(id)))
        if client_id in self._pending:
            raise errors.Conflict("A message with this id is waiting already", client_id)
        if len(self._pending) >= self._size:
            raise errors.OutboxFull(f"{self._size} messages wait already", client_id)
        frame = encode_message(text, client_id)
        try:
            length = len(frame.encode())
        except UnicodeEncodeError as error:
            raise errors.BadMessage("Message has characters that cannot be sent", client_id) from error
        if length > MAX_FRAME_BYTES:
            raise errors.TooLarge(f"Frame is longer than {MAX_FRAME_BYTES} bytes", client_id)
        pending = self._pending[client_id] = Pending(client_id, text, frame, asyncio.get_running_loop().create_future())
        self._filled.set()
        return pending

    async def oldest(self) -> Pending:
        """The message whose turn it is, as soon as there is one."""
        while not self._pending:
            self._filled.clear()
            await self._filled.wait()
        return next(iter(self._pending.values()))

    def acknowledged(self, ack: Ack) -> None:
        """The server stored it."""
        self._settle(self._pending.get(ack.id), ack.seq)

    def seen(self, message: Message) -> None:
        """A message came by: where it is one of ours, its acknowledgement was lost or is on its way.

        For a guest this is the only sign: after a reconnect the server takes a guest for somebody else, who would store
        the same message again.
        """
        pending = self._pending.get(message.id)
        if pending is not None and pending.text == message.text:
            self._settle(pending, message.seq)

    def refused(self, failure: Failure) -> None:
        """The server did not store it. Without an id it is about the one on its way, or a `typing` beside it."""
        pending = self._pending.get(failure.id) if failure.id else self.on_its_way
        if pending is None or pending not in self:
            return
        if failure.code not in AGAIN and (failure.code in FINAL or pending.tries >= TRIES):
            self._settle(pending, errors.of_frame(failure.code, failure.error, pending.id))
        else:
            self.refusal = failure.code
            self.answered.set()

    def _settle(self, pending: Pending | None, outcome: int | errors.SendError) -> None:
        if pending is None:
            return
        self.discard(pending)
        if pending.done.done():
            return
        if isinstance(outcome, int):
            pending.done.set_result(outcome)
        else:
            pending.done.set_exception(outcome)

    def discard(self, pending: Pending) -> None:
        """Nobody waits for it any more."""
        if pending in self:
            del self._pending[pending.id]
            if pending is self.on_its_way:
                self.answered.set()

    def fail(self, error: errors.RoomError) -> None:
        """The room is over."""
        for pending in self._pending.values():
            if not pending.done.done():
                pending.done.set_exception(error.again())
        self._pending.clear()
