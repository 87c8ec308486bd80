"""`python -m api`: the api under uvicorn, or under the ASGI server that `SERVER` names (`daphne`, `hypercorn`).

`HOST` and `PORT` say where it listens, `LISTEN_IPV6=1` on which addresses, `WEB_CONCURRENCY` how many workers there
are; if there is more than one, `PROMETHEUS_MULTIPROC_DIR` must name an empty directory.
"""

import fcntl
import os
import socket
import sys
from collections.abc import Sequence
from typing import Any

import uvicorn
from environs import EnvError, validate
from uvicorn.supervisors import Multiprocess

from api.draining import DrainingProtocol
from chassis.env import configure, env
from chassis.listening import dual_stack

APPLICATION = "api.asgi:application"
# The first file descriptor of those that systemd hands over.
_SYSTEMD_START = 3


def main() -> None:
    """Run until SIGTERM."""
    # Before the workers are spawned: a configuration error should be told once, by this process.
    configure("api.settings")
    try:
        server = env.str("SERVER", "uvicorn", validate=validate.OneOf(["uvicorn", "daphne", "hypercorn"]))
        host, port, workers = env.str("HOST", "127.0.0.1"), env.int("PORT", 8000), env.int("WEB_CONCURRENCY", 2)
        sockets = dual_stack(port) if env.bool("LISTEN_IPV6", False) else ()
    except EnvError as error:
        sys.exit(f"configuration: {error}")
    match server:
        case "uvicorn":
            run_uvicorn(host, port, workers, sockets)
        case "daphne":
            # One process: daphne has no workers of its own.
            where = _as_systemd(sockets) if sockets else ["-b", host, "-p", str(port)]
            run_module("daphne", *where, APPLICATION)
        case "hypercorn":
            where = _inherited(sockets) if sockets else ["-b", f"{host}:{port}"]
            run_module("hypercorn", *where, "-w", str(workers), "--graceful-timeout", "10", APPLICATION)


def _inherited(sockets: Sequence[socket.socket]) -> list[str]:
    """hypercorn's options for sockets that are open already."""
    for each in sockets:
        each.set_inheritable(True)
    return [word for each in sockets for word in ("-b", f"fd://{each.fileno()}")]


def _as_systemd(sockets: Sequence[socket.socket]) -> list[str]:
    """daphne's options for the same, handed over in systemd's way: only there Twisted can know that one is of IPv6."""
    # Two steps, because the sockets may have the numbers that they are to get (3 and 4) the other way round.
    copies = [fcntl.fcntl(each.fileno(), fcntl.F_DUPFD, _SYSTEMD_START + len(sockets)) for each in sockets]
    for number, copy in enumerate(copies, start=_SYSTEMD_START):
        os.dup2(copy, number)
    names = [each.family.name.removeprefix("AF_") for each in sockets]
    os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(len(names)), "LISTEN_FDNAMES": ":".join(names)}
    return [word for name in names for word in ("-e", f"systemd:domain={name}:name={name}")]


def run_module(name: str, *arguments: str) -> None:
    """Become another server's process."""
    os.execv(sys.executable, [sys.executable, "-m", name, *arguments])  # noqa: S606 - no shell, and our own arguments


def run_uvicorn(host: str, port: int, workers: int, sockets: Sequence[socket.socket]) -> None:
    """Run uvicorn at `host` and `port`, or on `sockets` if there are any."""
    if not sockets:
        uvicorn.run(**_settings(workers), host=host, port=port)
    elif workers > 1:
        Multiprocess(uvicorn.Config(**_settings(workers)), list(sockets)).run()
    else:
        uvicorn.Server(uvicorn.Config(**_settings(workers))).run(list(sockets))


def _settings(workers: int) -> dict[str, Any]:
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
        # Above a proxy's 60 s, so that it is the proxy that closes idle connections (else: resets and 502).
        "timeout_keep_alive": 75,
        # Streams end on drain; this is for those that do not.
        "timeout_graceful_shutdown": int(env.float("DRAIN_SECONDS", 10)),
        # A worker on a throttled CPU may miss uvicorn's 5 s ping without being stuck.
        "timeout_worker_healthcheck": 30,
        # Forwarded headers are believed from the gateway only.
        "proxy_headers": bool(os.environ.get("FORWARDED_ALLOW_IPS")),
    }


if __name__ == "__main__":
    main()
