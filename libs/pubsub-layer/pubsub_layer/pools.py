"""Connections to Redis that fail in one way, and read no file.

`UNAVAILABLE` is what commands raise while Redis is away. It holds for the connections of `checked` pools only.
"""

from collections.abc import Iterable

from redis.asyncio import ConnectionPool
from redis.asyncio.connection import AbstractConnection
from redis.driver_info import DriverInfo
from redis.exceptions import RedisError

# `TimeoutError` is an `OSError`.
UNAVAILABLE = (RedisError, OSError)
# What each connection says of its client. Without this every new connection looks its version up on the disk.
_DRIVER = DriverInfo()


class _Checked(AbstractConnection):
    """A connection that was reset or has timed out is replaced, and writing to it raises an `OSError`.

    redis-py's pool hands out lost connections: it looks for the end of the stream, which a connection that was lost by
    an error has not, and it ignores even that unless maintenance notifications are off. asyncio ignores what is written
    to such a connection, and raises the error after that. uvloop raises a bare `RuntimeError` ("the handler is
    closed"), which no caller expects.
    """

    async def can_read(self) -> bool:
        """What the pool asks before it hands out this connection; an `OSError` makes it connect anew."""
        if self._lost():
            raise ConnectionResetError("Connection lost")
        return await super().can_read()

    def _lost(self) -> bool:
        return self._writer is None or self._writer.is_closing() or self._reader is None or self._reader.at_eof()

    async def _send_packed_command(self, command: Iterable[bytes]) -> None:
        # Around the write alone, and only if the transport is closed: any other `RuntimeError` is a defect.
        try:
            await super()._send_packed_command(command)
        except RuntimeError as error:
            if not self._lost():
                raise
            raise ConnectionResetError(str(error)) from error


def checked(pool: ConnectionPool) -> ConnectionPool:
    """`pool`, whose connections read no file, and raise nothing but `UNAVAILABLE` if Redis is away, on every loop."""
    # TCP, TLS or a Unix socket: the URL decides which class it is.
    kind = pool.connection_class
    pool.connection_class = type(f"Checked{kind.__name__}", (_Checked, kind), {})
    pool.connection_kwargs.setdefault("driver_info", _DRIVER)
    return pool
