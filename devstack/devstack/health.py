"""Whether something answers: over HTTP, as Redis or as PostgreSQL. No client library: a probe must not fail for a
reason of its own, and asking takes a handful of bytes."""

import asyncio
from urllib.parse import urlsplit

_TIMEOUT = 3.0
# "SSLRequest"; the server answers one byte, S or N, before it asks who we are.
_POSTGRES_HELLO = bytes.fromhex("0000000804d2162f")


async def healthy(url: str) -> bool:
    """True where `url` (http://.../path, redis://..., postgresql://...) answers as it should within a few seconds."""
    try:
        async with asyncio.timeout(_TIMEOUT):
            return await _ask(url)
    except (OSError, TimeoutError):
        return False


async def _ask(url: str) -> bool:
    parts = urlsplit(url)
    assert parts.hostname is not None  # noqa: S101 - our own URLs
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        if parts.scheme == "postgresql":
            writer.write(_POSTGRES_HELLO)
            return await reader.read(1) in {b"S", b"N"}
        if parts.scheme == "redis":
            writer.write(b"PING\r\n")
            return await reader.readline() == b"+PONG\r\n"
        writer.write(f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n".encode())
        status = (await reader.readline()).split(b" ", 2)
        return len(status) > 1 and status[1] == b"200"
    finally:
        writer.close()
