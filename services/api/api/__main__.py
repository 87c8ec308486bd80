"""`python -m api`: the api under uvicorn, or under the ASGI server that `SERVER` names (`daphne`, `hypercorn`).

`HOST`, `PORT` and `WEB_CONCURRENCY` (workers) say where; `PROMETHEUS_MULTIPROC_DIR` must name an empty directory where
there is more than one worker.
"""

import os
import sys

import uvicorn
from environs import validate

from api.draining import DrainingProtocol
from chassis.env import configure, env

APPLICATION = "api.asgi:application"


def main() -> None:
    """Run until SIGTERM."""
    # Before the workers are spawned: a configuration error should be told once, by this process.
    configure("api.settings")
    server = env.str("SERVER", "uvicorn", validate=validate.OneOf(["uvicorn", "daphne", "hypercorn"]))
    host, port, workers = env.str("HOST", "127.0.0.1"), env.int("PORT", 8000), env.int("WEB_CONCURRENCY", 2)
    match server:
        case "uvicorn":
            run_uvicorn(host, port, workers)
        case "daphne":
            # One process: daphne has no workers of its own.
            run_module("daphne", "-b", host, "-p", str(port), APPLICATION)
        case "hypercorn":
            run_module("hypercorn", "-b", f"{host}:{port}", "-w", str(workers), "--graceful-timeout", "10", APPLICATION)


def run_module(name: str, *arguments: str) -> None:
    """Become another server's process."""
    os.execv(sys.executable, [sys.executable, "-m", name, *arguments])  # noqa: S606 - no shell, and our own arguments


def run_uvicorn(host: str, port: int, workers: int) -> None:
    """Run uvicorn with settings that each have a reason."""
    uvicorn.run(
        APPLICATION,
        host=host,
        port=port,
        workers=workers,
        loop="uvloop",
        http=DrainingProtocol,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        # Above a proxy's 60 s, so that it is the proxy that closes idle connections (else: resets and 502).
        timeout_keep_alive=75,
        # Streams end on drain; this is for whoever does not.
        timeout_graceful_shutdown=int(env.float("DRAIN_SECONDS", 10)),
        # A worker on a throttled CPU may miss uvicorn's 5 s ping without being stuck.
        timeout_worker_healthcheck=30,
        # Forwarded headers are believed from the gateway only.
        proxy_headers=bool(os.environ.get("FORWARDED_ALLOW_IPS")),
    )


if __name__ == "__main__":
    main()
