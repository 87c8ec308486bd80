"""What Django is told of the database: our engine, a bounded pool, and what the server bounds by itself."""

from typing import Any

ENGINE = "chassis.database"
# Seconds that whoever needs a connection waits for one.
POOL_TIMEOUT = 1.5
_SERVER_OPTIONS = " ".join(
    f"-c {name}"
    for name in (
        "statement_timeout=30s",
        "idle_in_transaction_session_timeout=30s",
        "client_connection_check_interval=1s",
    )
)
# A node that dies says nothing. The kernel asks an idle connection, or one that waits for an answer, with keepalives,
# and closes it 5 + 3 * 2 = 11 s after the last packet; if bytes that were sent are not acknowledged, `tcp_user_timeout`
# (ms) closes it. That is below 11 s, or the kernel would wait for it beyond the last keepalive.
_DEAD_PEERS = {
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}


def database_settings(
    parsed: dict[str, Any], *, pool_max: int, prepare_threshold: int, application_name: str
) -> dict[str, Any]:
    """`parsed` (what dj-database-url makes of `DATABASE_URL`) with our pool: bounded in size, in waiters and in time.

    An exhausted pool or a dead server answers within 2 s: `timeout` bounds the wait for a connection,
    `max_waiting` the queue for one, `connect_timeout` (2 s is libpq's minimum) each attempt. A query on an async
    connection has `DATABASE_QUERY_TIMEOUT` (see `bounded`); `statement_timeout` is the server's own bound of 30 s.
    `client_connection_check_interval` has the server end a statement, such as a wait for a lock, if its client is gone.
    `reconnect_timeout` is short so that a pool that lost its server starts over with the next request instead of
    sleeping through a long backoff.
    """
    return {
        **parsed,
        "ENGINE": ENGINE,
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": False,
        "OPTIONS": {
            **parsed.get("OPTIONS", {}),
            "application_name": application_name,
            # Of `fetch_all`; Django's cursors never prepare. 0 is for a pooler that cannot hold prepared statements.
            "prepare_threshold": prepare_threshold or None,
            "connect_timeout": 2,
            **_DEAD_PEERS,
            "options": _SERVER_OPTIONS,
            "pool": {
                "min_size": 0,
                "max_size": pool_max,
                "timeout": POOL_TIMEOUT,
                "max_waiting": 32 * pool_max,
                "max_idle": 60,
                "reconnect_timeout": 2,
            },
        },
    }
