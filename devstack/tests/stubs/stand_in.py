"""A service in miniature: answers every GET with its pid, ends on SIGTERM, reads the environment as they do."""

import asyncio
import os
import signal
import socket
import sys


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readline()
    body = str(os.getpid()).encode()
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(body), body))
    await writer.drain()
    writer.close()


async def _serve(workers: int) -> None:
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        # A stand-in that a test made deaf stays deaf.
        if signal.getsignal(number) is not signal.SIG_IGN:
            asyncio.get_running_loop().add_signal_handler(number, ended.set)
    # As uvicorn has them: they hold the inherited output and outlive a master that is killed.
    sleep = (sys.executable, "-c", "import time; time.sleep(600)")
    children = [await asyncio.create_subprocess_exec(*sleep) for _ in range(workers)]
    servers = [await asyncio.start_server(_answer, os.environ["HOST"], int(os.environ["PORT"]))]
    if "LISTEN_FD" in os.environ:
        shared = socket.socket(fileno=int(os.environ["LISTEN_FD"]))
        servers.append(await asyncio.start_server(_answer, sock=shared))
    print(f"{os.environ['SERVICE']} is up", flush=True)
    await ended.wait()
    for child in children:
        child.kill()
    for server in servers:
        server.close()


def run(workers: int = 0) -> None:
    """Until SIGTERM."""
    asyncio.run(_serve(workers))
