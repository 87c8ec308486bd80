"""Listening sockets: of one address, and with `LISTEN_IPV6=1` one port on IPv4 and IPv6."""

import contextlib
import errno
import socket

import pytest

from chassis.listening import dual_stack, single


@pytest.mark.parametrize(("family", "address"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_both(family: socket.AddressFamily, address: str) -> None:
    """Each family reaches the same port, and the client's address is its own: not `::ffff:127.0.0.1`."""
    with contextlib.ExitStack() as stack:
        ipv4, ipv6 = map(stack.enter_context, dual_stack(0))
        port = ipv4.getsockname()[1]
        assert ipv6.getsockname()[1] == port
        client = stack.enter_context(socket.socket(family))
        client.connect((address, port))
        accepted, peer = (ipv4 if family == socket.AF_INET else ipv6).accept()
        stack.enter_context(accepted)
        assert peer[0] == address


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_taken_port(host: str) -> None:
    """A port that is taken in one of the families ends the process with one line."""
    with socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SystemExit, match=rf"^configuration: LISTEN_IPV6=1, but port {port} of .* in use$"):
            dual_stack(port)


def test_no_ipv6(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine without IPv6 the process ends with one line that says what to do."""

    def ipv4_only(family: int = socket.AF_INET, *_: int) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
        return real(family)

    real = socket.socket
    monkeypatch.setattr(socket, "socket", ipv4_only)
    with pytest.raises(SystemExit, match=r"^configuration: .* this machine has no IPv6 .*: set LISTEN_IPV6=0$"):
        dual_stack(0)


@pytest.mark.parametrize(("host", "address"), [("127.0.0.1", "127.0.0.1"), ("localhost", None), ("::1", "::1")])
def test_single(host: str, address: str | None) -> None:
    """It listens at the address of a name too."""
    with single(host, 0) as listening:
        assert listening.getsockname()[0] in ({address} if address else {"127.0.0.1", "::1"})
        with socket.create_connection(listening.getsockname()[:2]):
            pass


def test_single_fails() -> None:
    """With one line that names the variables."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SystemExit, match=rf"^configuration: HOST and PORT: cannot listen on port {port} of 127"):
            single("127.0.0.1", port)
    with pytest.raises(SystemExit, match=r"^configuration: HOST and PORT: cannot listen on port 1 of no\.invalid"):
        single("no.invalid", 1)
