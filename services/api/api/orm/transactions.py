"""Transactions that are always rolled back: by the end of the block, by an error in it, and by a client that goes."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from asgiref.sync import sync_to_async
from django.db import connection, transaction
from django_async_backend.db.transaction import async_atomic

from api.orm.recorder import Recorder
from chassis import database


class _RollBackError(Exception):
    """Leaves an atomic block without a commit."""


@contextlib.asynccontextmanager
async def rolled_back(record: Recorder) -> AsyncIterator[None]:
    """A transaction on the task's async connection."""
    with contextlib.suppress(_RollBackError):
        async with database.connection() as async_connection, async_atomic():
            with async_connection.execute_wrapper(record):
                yield
            raise _RollBackError


@contextlib.asynccontextmanager
async def rolled_back_on_lane(record: Recorder) -> AsyncIterator[None]:
    """A transaction on the synchronous connection of this request's thread.

    `begin`, every stock a-method in the block and `roll_back` are thread-sensitive: they run on one thread, one after
    the other, and so in one transaction. With `thread_sensitive=False` each could run on another thread and connection.
    """
    on_lane = contextlib.ExitStack()

    def begin() -> None:
        on_lane.enter_context(transaction.atomic())
        on_lane.enter_context(connection.execute_wrapper(record))

    def roll_back() -> None:
        # Not open where `begin` failed or was cancelled before it ran.
        if connection.in_atomic_block:
            transaction.set_rollback(True)
        on_lane.close()

    try:
        await sync_to_async(begin)()
        yield
    finally:
        # A cancelled call goes on running on its thread, and a second cancellation must not take this one out of the
        # queue behind it: the thread would go to the next request with the transaction still open.
        await asyncio.shield(sync_to_async(roll_back)())
