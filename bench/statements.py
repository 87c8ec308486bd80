"""Which statements PostgreSQL was asked for, from its own log."""

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from bench.cpu import Tree

_ENTRY = re.compile(r"(?:statement|execute [^:]*): (?P<sql>.*)", re.DOTALL)
_MARK = "@bench@"
_NO_QUERY = {"BEGIN", "COMMIT", "ROLLBACK", "SET", "SHOW", "ALTER"}


def _configure(*settings: str) -> None:
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True, application_name="bench") as connection:
        for setting in settings:
            connection.execute(f"ALTER SYSTEM {setting}")
        connection.execute("SELECT pg_reload_conf()")


@contextmanager
def logged(postgres: Tree) -> Iterator[Callable[[], Counter[str]]]:
    """Log every statement for the length of the block; the function counts those since the last call by what they read.

    `history` reads messages, `room` reads rooms only, `other` is the rest without transactions and settings.
    """
    log = Path(f"/proc/{postgres.pid}/fd/2").resolve()
    _configure("SET log_statement = 'all'", f"SET log_line_prefix = '{_MARK}%a '")
    place = log.stat().st_size

    def counted() -> Counter[str]:
        nonlocal place
        with log.open("rb") as file:
            file.seek(place)
            text = file.read().decode(errors="replace")
            place = file.tell()
        return Counter(kind for entry in text.split(_MARK)[1:] if (kind := _kind(entry)))

    try:
        yield counted
    finally:
        _configure("RESET log_statement", "RESET log_line_prefix")


def _kind(entry: str) -> str:
    found = _ENTRY.search(entry)
    if found is None or entry.startswith("bench "):
        return ""
    sql = found["sql"]
    if "rooms_message" in sql:
        return "history"
    if "rooms_room" in sql:
        # The hub's own look at all rooms, once a second, is nobody's join.
        return "poll" if "ANY" in sql else "room"
    # An empty one is a pool that looks whether its connection lives.
    return "" if not (words := sql.split()) or words[0].upper() in _NO_QUERY else "other"
