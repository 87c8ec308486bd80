"""`python -m api`: the api under uvicorn, or under the ASGI server that `SERVER` names (`daphne`, `hypercorn`).

It listens at `HOST` and `PORT`, or with `LISTEN_IPV6=1` on `PORT` of every address. `WEB_CONCURRENCY` is the number of
workers; if there is more than one, `PROMETHEUS_MULTIPROC_DIR` must name an empty directory.
"""

import sys

from environs import EnvError, validate

from chassis.env import configure, env
from chassis.listening import dual_stack, single

SERVERS = ("uvicorn", "daphne", "hypercorn")


def main() -> None:
    """Run until SIGTERM."""
    # Before the workers are spawned: this process reports a configuration error, once.
    configure("api.settings")
    try:
        server = env.str("SERVER", "uvicorn", validate=validate.OneOf(SERVERS))
        host, port = env.str("HOST", "127.0.0.1"), env.int("PORT", 8000, validate=validate.Range(0, 65535))
        workers = env.int("WEB_CONCURRENCY", 2, validate=validate.Range(1))
        drain_seconds = env.float("DRAIN_SECONDS", 10, validate=validate.Range(0))
        sockets = dual_stack(port) if env.bool("LISTEN_IPV6", False) else ()
    except EnvError as error:
        sys.exit(f"configuration: {error}")
    # Each is imported alone: daphne's module installs Twisted's reactor, and no other needs what it imports.
    if server == "uvicorn":
        from api.servers import under_uvicorn  # noqa: PLC0415

        under_uvicorn.run(host, port, workers, sockets, drain_seconds)
        return
    from api.servers import workers as worker_processes  # noqa: PLC0415

    if server == "daphne":
        from api.servers.under_daphne import serve  # noqa: PLC0415
    else:
        from api.servers.under_hypercorn import serve  # noqa: PLC0415
    worker_processes.run(serve, sockets or (single(host, port),), workers)


if __name__ == "__main__":
    main()
