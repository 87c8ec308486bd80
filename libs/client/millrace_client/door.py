"""Opens a connection to a room: where it is, and who knocks."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from ssl import SSLContext
from urllib.parse import quote, urlencode, urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from millrace_client.inbox import Place

PROTOCOL = "millrace.v1"
OPEN_PATIENCE = 10.0
# The longest message is 4096 bytes, each at most six as JSON, and a presence list names 200 people.
MAX_FRAME_BYTES = 256 * 1024

# Called with the room's name before each connection: a ticket is good for one, for 30 s.
type TicketSource = Callable[[str], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Door:
    """The address of a room, and a ticket source, or a cookie with an Origin, or nothing: a guest."""

    url: str
    name: str
    ticket: TicketSource | None
    cookie: str | None = field(repr=False)
    origin: str | None
    ssl: SSLContext | None
    heartbeat: float
    close_timeout: float

    def __post_init__(self) -> None:
        if urlsplit(self.url).scheme not in {"ws", "wss"}:
            raise ValueError("The url of a room starts with ws:// or wss://")

    async def open(self, place: Place | None) -> ClientConnection:
        """A connection that resumes at `place`. Raises what the ticket source, the network and websockets raise."""
        names = [Subprotocol(PROTOCOL)]
        if self.ticket is not None:
            # In a header and not in the URL, which ends up in logs.
            names.append(Subprotocol(f"ticket.{await self.ticket(self.name)}"))
        return await connect(
            self._address(place),
            subprotocols=names,
            origin=Origin(self.origin) if self.origin is not None else None,
            additional_headers={"Cookie": self.cookie} if self.cookie is not None else None,
            ssl=self.ssl,
            # A peer that is gone without a word is found out within two heartbeats and the time to close.
            ping_interval=self.heartbeat,
            ping_timeout=self.heartbeat,
            open_timeout=OPEN_PATIENCE,
            close_timeout=self.close_timeout,
            max_size=MAX_FRAME_BYTES,
        )

    def _address(self, place: Place | None) -> str:
        address = f"{self.url.rstrip('/')}/ws/chat/{quote(self.name, safe='')}/"
        if place is None:
            return address
        return f"{address}?{urlencode({'since': place.seq, 'epoch': place.epoch})}"
