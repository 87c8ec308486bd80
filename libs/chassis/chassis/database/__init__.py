"""PostgreSQL from async code.

options.py     what Django is told of the database
statements.py  fetch_all: one statement on a connection of the pool; what the hot paths use
prepared.py    Prepared: a query that the ORM writes once, and that runs as a statement
migrations.py  which migrations the database does not have yet
usage.py       how busy the pool is, and whether the server answers, as metrics
recording.py   the SQL of a context, for whoever wants to see it
sections.py    connection: the task's own connection, for the ORM and for transactions
base.py        the backend that `ENGINE` names; with waiting.py (the pool) and bounded.py (a deadline a query)
"""

from django_async_backend.db import async_connections

from chassis.database.options import ENGINE, database_settings
from chassis.database.sections import connection, release
from chassis.database.statements import fetch_all, ping, pool

__all__ = [
    "ENGINE",
    "async_connections",
    "connection",
    "database_settings",
    "fetch_all",
    "ping",
    "pool",
    "release",
]
