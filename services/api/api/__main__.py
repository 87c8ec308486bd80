"""`python -m api`: the api under uvicorn.

`HOST`, `PORT` and `WEB_CONCURRENCY` (workers) say where; `PROMETHEUS_MULTIPROC_DIR` must name an empty directory where
there is more than one worker.
"""

import os

import uvicorn

from chassis.env import configure, env


def main() -> None:
    """Run until SIGTERM."""
    # Before the workers are spawned: a configuration error should be told once, by this process.
    configure("api.settings")
    uvicorn.run(
        "api.asgi:application",
        host=env.str("HOST", "127.0.0.1"),
        port=env.int("PORT", 8000),
        workers=env.int("WEB_CONCURRENCY", 2),
        loop="uvloop",
        http="httptools",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        # Above a proxy's 60 s, so that it is the proxy that closes idle connections (else: resets and 502).
        timeout_keep_alive=75,
        # Streams end on drain; this is for whoever does not.
        timeout_graceful_shutdown=env.int("DRAIN_SECONDS", 10),
        # A worker on a throttled CPU may miss uvicorn's 5 s ping without being stuck.
        timeout_worker_healthcheck=30,
        # Forwarded headers are believed from the gateway only.
        proxy_headers=bool(os.environ.get("FORWARDED_ALLOW_IPS")),
    )


if __name__ == "__main__":
    main()
