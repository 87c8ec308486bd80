"""Idle sockets: `idle_sockets.py serve PORT` accepts them, `idle_sockets.py hold HOST PORT COUNT` opens them.

A test runs it in containers. It speaks only as much of the protocol as a gateway looks at.
"""

import asyncio
import sys

# With the header fields of a browser, which are more than nginx's first buffer holds.
HANDSHAKE = (
    "GET /ws/chat/lobby/ HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    f"Cookie: sessionid={'x' * 1400}\r\n\r\n"
).encode()
ACCEPTED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
MESSAGE = b"m" * 200
AT_ONCE = 100


async def serve(port: int) -> None:
    """Says back what it hears, for ever."""
    server = await asyncio.start_server(echo, "0.0.0.0", port, backlog=4096)  # noqa: S104 - in a container
    await server.serve_forever()


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One socket."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(ACCEPTED)
    while data := await reader.read(4096):
        writer.write(data)
    writer.close()


async def hold(host: str, port: int, count: int) -> None:
    """Opens `count` sockets, sends a message on each, says that all are open, and then does nothing."""
    at_once = asyncio.Semaphore(AT_ONCE)
    opened: list[asyncio.StreamWriter] = []

    async def one() -> None:
        async with at_once:
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(HANDSHAKE)
            await reader.readuntil(b"\r\n\r\n")
            writer.write(MESSAGE)
            await reader.readexactly(len(MESSAGE))
            opened.append(writer)

    async with asyncio.TaskGroup() as group:
        for _ in range(count):
            group.create_task(one())
    sys.stdout.write(f"open: {len(opened)}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve", port]:
            asyncio.run(serve(int(port)))
        case ["hold", host, port, count]:
            asyncio.run(hold(host, int(port), int(count)))
