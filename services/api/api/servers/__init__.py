"""The ASGI servers that `python -m api` can run, one module each; `SERVER` names one.

What holds for each of them: `HOST` and `PORT` or `LISTEN_IPV6`, `WEB_CONCURRENCY` workers, the resources of
`chassis.lifespan` from start to stop, no access log beside ours and no `Server` header, and on SIGTERM `DRAIN_SECONDS`
for the requests that are in flight. `FORWARDED_ALLOW_IPS` is read by the application itself (`chassis.forwarded`).
"""

from collections.abc import Callable, Sequence
from socket import socket

APPLICATION = "api.asgi:application"
# Seconds. Above a proxy's 60 s, so that it is the proxy that closes idle connections (else: resets and 502).
KEEP_ALIVE = 75
# Seconds after DRAIN_SECONDS until what still runs is cancelled, and that it has to end then.
GRACE, CANCEL = 2.0, 3.0
# The exit status of a process that could not start; uvicorn's too.
START_FAILED = 3

type Serve = Callable[[Sequence[socket]], None]
"""Serves the application on listening sockets until SIGTERM; exits with `START_FAILED` if it cannot start."""
