"""A TCP proxy between a client and a service, in which a network goes wrong: cut, silent, slow."""

import asyncio
import contextlib
import socket

_CHUNK = 16 * 1024
# Small, so that a reader who stops reading is soon felt by the server: on loopback, where a segment is 64 KiB, the
# kernel would take megabytes from it first.
_WINDOW = 16 * 1024
_SEGMENT = 1400


class Link:
    """One connection through the proxy: a client's side and a server's side."""

    def __init__(
        self,
        client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        server: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        silence: float | None = None,
    ) -> None:
        self._from_client, self._to_client = client
        self._from_server, self._to_server = server
        self._reading = asyncio.Event()
        self._reading.set()
        self._deaf = False
        self._forsaken = False
        self._silence = silence

    def abort(self) -> None:
        """Both ends see a reset."""
        for writer in (self._to_client, self._to_server):
            writer.transport.abort()

    def deafen(self) -> None:
        """What the server says from now on, acknowledgements above all, does not arrive; what the client says does."""
        self._deaf = True

    def stall(self) -> None:
        """A client that stops reading: nothing is taken from the server any more, whose buffers fill."""
        self._reading.clear()

    def unstall(self) -> None:
        """It reads again."""
        self._reading.set()

    def forsake(self) -> None:
        """Half-open: the client's side is gone, and the server hears nothing of it, now or later."""
        self._forsaken = True
        self._to_client.transport.abort()

    async def run(self) -> None:
        """Pass bytes on until either side ends."""
        pumps = {asyncio.create_task(self._up()), asyncio.create_task(self._down())}
        try:
            _, left = await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            if self._forsaken and left:
                # Until the server gives up by itself.
                await asyncio.wait(left)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            # What was written still goes out.
            self._to_client.close()
            self._to_server.close()

    async def _up(self) -> None:
        with contextlib.suppress(OSError):
            while data := await self._from_client.read(_CHUNK):
                self._to_server.write(data)
                await self._to_server.drain()

    async def _down(self) -> None:
        # `TimeoutError` is one of these: a client that hears nothing for so long goes.
        with contextlib.suppress(OSError):
            while data := await asyncio.wait_for(self._from_server.read(_CHUNK), self._silence):
                await self._reading.wait()
                if not (self._deaf or self._forsaken):
                    self._to_client.write(data)
                    await self._to_client.drain()


class Proxy:
    """Listens on a port of its own and passes connections on to `host:port`; `links` are those that are open.

    `silence`: seconds without a byte from the server after which a connection is given up, as a careful client does.
    """

    def __init__(self, host: str, port: int, *, silence: float | None = None) -> None:
        self._silence = silence
        self.links: set[Link] = set()
        self._target = (host, port)
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> str:
        """Begin to listen; returns `host:port`."""
        self._server = await asyncio.start_server(self._accepted, "127.0.0.1", 0, limit=_WINDOW)
        host, port = self._server.sockets[0].getsockname()[:2]
        return f"{host}:{port}"

    async def stop(self) -> None:
        """End all connections."""
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            upstream = await self._connect()
        except OSError:
            # Nobody listens: the client sees a reset instead of a refusal.
            writer.transport.abort()
            return
        link = Link((reader, writer), upstream, self._silence)
        self.links.add(link)
        try:
            await link.run()
        finally:
            self.links.discard(link)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        plug = socket.socket()
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _WINDOW)
        plug.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, _SEGMENT)
        plug.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(plug, self._target)
            return await asyncio.open_connection(sock=plug, limit=_WINDOW)
        except BaseException:
            plug.close()
            raise
