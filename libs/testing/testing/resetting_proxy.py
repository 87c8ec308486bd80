"""A proxy whose connections break as those of a network do."""

import asyncio
import contextlib
import socket
import struct
from urllib.parse import urlsplit


class ResettingProxy:
    """A TCP proxy that resets its connections, as a network does that has lost them: an error, and no end of stream."""

    def __init__(self, target: str) -> None:
        self._url = urlsplit(target)
        self._pairs: dict[asyncio.Task[None], list[asyncio.StreamWriter]] = {}
        self._server: asyncio.Server | None = None
        self._port = 0

    @property
    def url(self) -> str:
        """The URL of the target, by way of the proxy."""
        return self._url._replace(netloc=self._url.netloc.replace(str(self._url.port), str(self._port))).geturl()

    async def listen(self) -> None:
        """Accept and forward."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def reset(self) -> None:
        """Reset all connections; on loopback the other ends have received it when this returns."""
        tasks = set(self._pairs)
        writers = [writer for task in tasks for writer in self._pairs[task]]
        for task in tasks:
            for writer in self._pairs[task]:
                raw = writer.get_extra_info("socket")
                # The other side may have closed it meanwhile.
                with contextlib.suppress(OSError, AttributeError):
                    # Without lingering a close is a reset.
                    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        for writer in writers:
            # A transport that was aborted closes its socket with the next turns of the loop.
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def refuse(self) -> None:
        """Reset all connections and accept none."""
        if self._server is not None:
            self._server.close()
        await self.reset()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers = [writer]
        task = asyncio.create_task(self._forward(reader, writer, writers))
        self._pairs[task] = writers
        task.add_done_callback(self._pairs.pop)

    async def _forward(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, writers: list[asyncio.StreamWriter]
    ) -> None:
        try:
            answers, upstream = await asyncio.open_connection(self._url.hostname, self._url.port)
            writers.append(upstream)
            await asyncio.gather(_pass_on(reader, upstream), _pass_on(answers, writer))
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            for end in writers:
                end.transport.abort()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while (data := await reader.read(65536)) and not writer.is_closing():
        writer.write(data)
    writer.close()
