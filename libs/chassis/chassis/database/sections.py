"""Connections that belong to a task: for the ORM, for transactions, for several statements in a row.

A connection of django-async-backend belongs to the task that first used it and stays with that task until it is
released. The HTTP handler releases it as soon as the view has answered; whatever lives longer than a request (a socket,
a stream, a background task) wraps each piece of work in `connection()`, or it would hold one connection for its
lifetime.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextvars import ContextVar
from typing import Any

from django_async_backend.db import async_connections

from chassis.database import bounded

# True where a wrapper was made in this context or in one that it comes from: cheaper to ask than whether there is one.
used: ContextVar[bool] = ContextVar("database_used", default=False)
# The wrapper of the innermost `connection()` block, which need not be open yet.
_section: ContextVar[Any] = ContextVar("database_section", default=None)


async def release() -> None:
    """Give the current task's connections back to the pool; costs nothing where it holds none.

    The wrapper goes too: it belongs to this task for good, and a task started later from this context would inherit it
    and be refused.
    """
    if not used.get():
        return
    for wrapper in async_connections.all(initialized_only=True):
        if _is_ours(wrapper):
            await wrapper.close()
            del async_connections[wrapper.alias]


def _is_ours(wrapper: Any) -> bool:
    return wrapper._task in (None, asyncio.current_task())  # noqa: SLF001 - the library has no public word for the owner


@contextlib.asynccontextmanager
async def connection(*, deadline: float | None = None) -> AsyncIterator[Any]:
    """The current task's connection until the end of the block, or of the block or request around it.

    `deadline` is for work that needs longer: the seconds that each query of the block may take.
    """
    inherited = wrapper = async_connections["default"]
    if not _is_ours(wrapper):
        wrapper = async_connections["default"] = async_connections.create_connection("default")
    # One that nobody has used yet may be in the contexts of other tasks too: the first of them has it.
    wrapper.validate_task_sharing()
    enclosed = wrapper.connection is not None
    section = _section.set(wrapper)
    try:
        with bounded.deadline(deadline):
            yield wrapper
    finally:
        _section.reset(section)
        try:
            if not enclosed:
                await release()
        finally:
            # What `async_to_sync` runs is a task whose context goes back to the caller: if another task's wrapper were
            # missing there, that task would never release its connection, and the pool would have lost it for good.
            if wrapper is not inherited:
                async_connections["default"] = inherited


async def own_wrapper() -> Any:
    """The current task's connection, open, where it has one or is in a `connection()` block; else None."""
    if not used.get():
        return None
    wrapper = getattr(async_connections._connections, "default", None)  # noqa: SLF001 - to ask without making one
    if wrapper is None or not _is_ours(wrapper):
        return None
    if wrapper.connection is None:
        if _section.get() is not wrapper:
            return None
        await wrapper.ensure_connection()
    return wrapper
