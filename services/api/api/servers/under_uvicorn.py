"""uvicorn, the default: it has workers, and its connections end as `api.draining` says."""

from collections.abc import Sequence
from socket import socket
from typing import Any

import uvicorn
from uvicorn.supervisors import Multiprocess

from api.draining import DrainingProtocol
from api.servers import APPLICATION, KEEP_ALIVE


def run(host: str, port: int, workers: int, sockets: Sequence[socket], drain_seconds: float) -> None:
    """Run it at `host` and `port`, or on `sockets` if there are any, until SIGTERM."""
    settings = _settings(workers, drain_seconds)
    if not sockets:
        uvicorn.run(**settings, host=host, port=port)
    elif workers > 1:
        Multiprocess(uvicorn.Config(**settings), list(sockets)).run()
    else:
        uvicorn.Server(uvicorn.Config(**settings)).run(list(sockets))


def _settings(workers: int, drain_seconds: float) -> dict[str, Any]:
    """uvicorn's settings; each has a reason."""
    return {
        "app": APPLICATION,
        "workers": workers,
        "loop": "uvloop",
        "http": DrainingProtocol,
        "lifespan": "on",
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "timeout_keep_alive": KEEP_ALIVE,
        # Streams end on drain; this is for those that do not.
        "timeout_graceful_shutdown": int(drain_seconds),
        # A worker on a throttled CPU may miss uvicorn's 5 s ping without being stuck.
        "timeout_worker_healthcheck": 30,
        # The application reads forwarded headers, under every server; twice would be once too often.
        "proxy_headers": False,
    }
