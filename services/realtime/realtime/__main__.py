"""`python -m realtime`: one process of the realtime service, under daphne.

`HOST` and `PORT` are this process's own address; with `LISTEN_IPV6=1` it is `PORT` of every address, IPv4 and IPv6.
`LISTEN_FD` is an inherited listening TCP socket that it accepts from as well, which any number of processes may share:
while one of them restarts, the socket stays open and no client is refused.
"""

import sys

from environs import EnvError, validate

from chassis.env import configure, env
from chassis.forwarded import TrustedProxies
from chassis.listening import dual_stack


def main() -> None:
    """Run until SIGTERM; a missing or malformed variable ends it with one line that names it."""
    configure("realtime.settings")
    try:
        endpoints = _endpoints()
        sockets = []
        if env.bool("LISTEN_IPV6", False):
            ipv4, ipv6 = dual_stack(env.int("PORT", 8011))
            endpoints[0] = f"fd:fileno={ipv4.detach()}"
            sockets.append(ipv6)
        proxies = _proxies()
    except EnvError as error:
        sys.exit(f"configuration: {error}")

    from realtime.asgi import application  # noqa: PLC0415 - needs Django, which is set up above
    from realtime.server import Server  # noqa: PLC0415 - installs the reactor

    if not Server(application, endpoints, sockets=sockets, proxies=proxies).serve():
        sys.exit(1)


def _proxies() -> TrustedProxies:
    """Whose forwarded headers are believed."""
    try:
        return TrustedProxies.parse(env.str("FORWARDED_ALLOW_IPS", ""))
    except ValueError as error:
        raise EnvError(f"FORWARDED_ALLOW_IPS: {error}") from error


def _endpoints() -> list[str]:
    """Twisted's endpoint descriptions, that of `HOST` and `PORT` first."""
    host = env.str("HOST", "127.0.0.1").replace(":", r"\:")
    port = env.int("PORT", 8011, validate=validate.Range(0, 65535))
    endpoints = [f"tcp:port={port}:interface={host}:backlog=1024"]
    shared = env.int("LISTEN_FD", None, validate=validate.Range(0))
    if shared is not None:
        # daphne's own endpoint type: makes the socket non-blocking, and never shuts it down for the others.
        endpoints.append(f"fd:fileno={shared}")
    return endpoints


if __name__ == "__main__":
    main()
