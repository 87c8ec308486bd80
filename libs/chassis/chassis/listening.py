"""Listening sockets: of one address, or with `LISTEN_IPV6=1` one port on every IPv4 and every IPv6 address.

Of the latter there are two. With a single one for both, an IPv4 client would have an address such as
`::ffff:10.0.0.1`, which no list of trusted proxies contains.
"""

import errno
import socket
import sys

BACKLOG = 2048
_NO_IPV6 = {errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.EPROTONOSUPPORT}


def single(host: str, port: int) -> socket.socket:
    """Listens on the first address of `host`, port 0 being a free one; ends the process with one line if that fails."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        sys.exit(f"configuration: HOST and PORT: cannot listen on port {port} of {host}: {error.strerror}")


def dual_stack(port: int) -> tuple[socket.socket, socket.socket]:
    """Listens on 0.0.0.0 and on [::], port 0 being a free one; ends the process with one line if that fails."""
    ipv4 = _listen(socket.AF_INET, "0.0.0.0", port)  # noqa: S104 - what LISTEN_IPV6 asks for
    return ipv4, _listen(socket.AF_INET6, "::", ipv4.getsockname()[1])


def _listen(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    try:
        made = socket.socket(family)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind((host, port))
        made.listen(BACKLOG)
    except OSError as error:
        why = f"port {port} of {host} cannot be listened on: {error.strerror}"
        if family == socket.AF_INET6 and error.errno in _NO_IPV6:
            why = f"this machine has no IPv6 ({error.strerror}): set LISTEN_IPV6=0"
        sys.exit(f"configuration: LISTEN_IPV6=1, but {why}")
    return made
