"""Ports of loopback: one that is free, and one that refuses."""

import contextlib
import errno
import socket
from collections.abc import Iterator
from random import SystemRandom


@contextlib.contextmanager
def refusing_port() -> Iterator[int]:
    """A port of 127.0.0.1 that refuses connections: it is taken, so no other process can listen there meanwhile."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def free_port() -> int:
    """A port for a server that takes one as a setting, free on IPv4 and IPv6.

    From below the range that the kernel hands out, so that nothing gets it before the server does.
    """
    while True:
        # Not the generator that is seeded for each test: two workers would choose the same.
        port = SystemRandom().randint(12_000, 30_000)
        if all(_is_free(port, *each) for each in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))):
            return port


def _is_free(port: int, family: socket.AddressFamily, host: str) -> bool:
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            # A machine without IPv6 has the port to itself.
            return error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
    return True
