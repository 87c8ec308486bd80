"""The database backend that `ENGINE` names; Django wants it in a module of this name.

Synchronous connections (commands, sync views) are Django's own, asynchronous ones django-async-backend's on
connections that do not wait without end.
"""

from typing import Any

from django.db import DEFAULT_DB_ALIAS
from django_async_backend.db.backends.postgresql.async_base import AsyncDatabaseWrapper as AsyncPostgresWrapper
from django_async_backend.db.backends.postgresql.base import DatabaseWrapper as PostgresWrapper

from chassis.database import recording, sections
from chassis.database.bounded import BoundedConnection
from chassis.database.waiting import BoundedPool

__all__ = ["AsyncDatabaseWrapper", "DatabaseWrapper"]


class DatabaseWrapper(PostgresWrapper):
    """A thread's connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.execute_wrappers.append(recording.wrapper)

    @property
    def pool(self) -> Any:
        """The process's pool for threads. The threads bound who waits, not the pool: see `BoundedPool`."""
        pool = super().pool
        if pool is not None:
            pool.max_waiting = 0
        return pool


class AsyncDatabaseWrapper(AsyncPostgresWrapper):
    """A task's connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.execute_wrappers.append(recording.wrapper)
        sections.used.set(True)

    @property
    def pool(self) -> Any:
        """The process's pool, made on first use: as django-async-backend's, of our classes."""
        options = self.settings_dict["OPTIONS"].get("pool")
        if self.alias in self._connection_pools or not options:
            return super().pool
        pool = self._connection_pools[self.alias] = BoundedPool(
            connection_class=BoundedConnection,
            kwargs={**self.get_connection_params(), "autocommit": True},
            open=False,
            configure=self._configure_connection,
            check=BoundedPool.look_at if self.settings_dict["CONN_HEALTH_CHECKS"] else None,
            **options,
        )
        if self.alias == DEFAULT_DB_ALIAS:
            BoundedPool.process = pool
        return pool

    async def set_autocommit(
        self,
        autocommit: bool,
        force_begin_transaction_with_broken_autocommit: bool = False,
    ) -> None:
        """As Django's, but the end of a transaction that lost its connection does not wait for a new one."""
        if autocommit and self.connection is None:
            self.validate_no_atomic_block()
            self.autocommit = True
            return
        await super().set_autocommit(autocommit, force_begin_transaction_with_broken_autocommit)
