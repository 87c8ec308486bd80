"""Which port each part listens on: the usual one, the next free one, or the one the environment fixes."""

import itertools
import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields

from devstack.output import StackError

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Ports:
    """The usual ports. Of realtime, `realtime` is shared by its processes, the other two are each process's own."""

    api: int = 8000
    realtime: int = 8001
    upstream: int = 8002
    realtime_1: int = 8011
    realtime_2: int = 8012
    postgres: int = 5432
    redis: int = 6379


USUAL = Ports()
_FIXABLE = ("api", "realtime", "upstream", "postgres", "redis")
# Below the range that the kernel hands to outgoing connections; a temporary stack begins at a block of it.
_TEMPORARY = range(15000, 32000)
_BLOCK = 16
_chosen = itertools.count()


def is_free(port: int) -> bool:
    """Whether nothing listens there, on 127.0.0.1 or on all addresses."""
    with socket.socket() as probe:
        # As the servers do: a port in TIME_WAIT is free to them.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    with socket.socket() as client:
        # macOS lets a bind to one address pass while another process listens on all of them.
        client.settimeout(0.5)
        return client.connect_ex((HOST, port)) != 0


def choose(
    environ: Mapping[str, str] = os.environ,
    say: Callable[[str], None] = print,
    usual: Ports = USUAL,
) -> Ports:
    """The ports of a stack that people look for at the usual places; says so where one has to be elsewhere."""
    chosen: dict[str, int] = {}
    wanted = {field.name: getattr(usual, field.name) for field in fields(Ports)}
    for name in _FIXABLE:
        if fixed := environ.get(f"{name.upper()}_PORT"):
            chosen[name] = wanted[name] = _fixed(f"{name.upper()}_PORT", fixed)
    # The ports of the processes go with the one that they share, so stacks with ports of their own do not meet there.
    moved = wanted["realtime"] - usual.realtime
    for name in ("realtime_1", "realtime_2"):
        if 0 < wanted[name] + moved < 65536:
            wanted[name] += moved
    for name, port in wanted.items():
        if name in chosen:
            continue
        # Not the usual port of a sibling: that one would have to move in turn.
        reserved = {other for key, other in wanted.items() if key != name} | set(chosen.values())
        chosen[name] = _next_free(port, reserved)
        if chosen[name] != port:
            say(f"port {port} is taken: {name.replace('_', '-')} listens on {chosen[name]}")
    if len(set(chosen.values())) < len(chosen):
        raise StackError("two of API_PORT, REALTIME_PORT, UPSTREAM_PORT, POSTGRES_PORT and REDIS_PORT are the same")
    return Ports(**chosen)


def choose_free() -> Ports:
    """Ports for a temporary stack.

    Nothing listens on them for a moment yet. So processes that choose at the same time begin at different blocks, by
    their ids, and one process begins at another block each time.
    """
    blocks = len(_TEMPORARY) // _BLOCK
    first = (os.getpid() + next(_chosen) * (blocks // 2 + 1)) % blocks * _BLOCK
    candidates = (_TEMPORARY[(first + number) % len(_TEMPORARY)] for number in range(len(_TEMPORARY)))
    free = (port for port in candidates if is_free(port))
    return Ports(*(next(free) for _ in fields(Ports)))


def _fixed(variable: str, value: str) -> int:
    if not (value.isascii() and value.isdecimal() and 0 < int(value) < 65536):
        raise StackError(f"{variable}={value} is not a port (1-65535)")
    if not is_free(int(value)):
        raise StackError(f"{variable}={value}: something listens there already, or this user may not use that port")
    return int(value)


def _next_free(port: int, reserved: set[int]) -> int:
    for candidate in range(port, min(port + 200, 65536)):
        if candidate not in reserved and is_free(candidate):
            return candidate
    raise StackError(f"no free port between {port} and {port + 199}")
