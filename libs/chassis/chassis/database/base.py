"""The database backend that `ENGINE` names; Django wants it in a module of this name.

Synchronous connections (migrations, commands, lanes) are Django's own, asynchronous ones django-async-backend's on
connections that do not wait without end.
"""

from typing import Any

from django_async_backend.db.backends.postgresql.async_base import AsyncDatabaseWrapper as PostgresWrapper
from django_async_backend.db.backends.postgresql.base import DatabaseWrapper

from chassis.database.bounded import BoundedConnection

__all__ = ["AsyncDatabaseWrapper", "DatabaseWrapper"]


class AsyncDatabaseWrapper(PostgresWrapper):
    """A task's connection."""

    @property
    def pool(self) -> Any:
        """The process's pool, of bounded connections."""
        pool = super().pool
        if pool is not None:
            # Not an option of the settings: the synchronous pool is made from the same ones.
            pool.connection_class = BoundedConnection
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
