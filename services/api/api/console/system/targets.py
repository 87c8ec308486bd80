"""Whom the console asks for metrics: `CONSOLE_TARGETS`, with every address that a name stands for."""

import asyncio
import re
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from environs import ValidationError

# Seconds for which the addresses behind a name are believed: replicas come and go.
RESOLVED_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Target:
    """A process, or all replicas of a service behind one name; `kind` is the name without a number at its end."""

    name: str
    host: str
    port: int

    @property
    def kind(self) -> str:
        """What it is one of: `realtime-1` is a `realtime`."""
        return re.sub(r"-\d+$", "", self.name)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One process of a target, by its address."""

    target: Target
    address: str
    label: str

    def url(self, path: str) -> str:
        """Where it answers `path`."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"http://{host}:{self.target.port}{path}"


def parse(entry: str) -> Target:
    """`name=http://host:port` as a target; raises `environs.ValidationError`."""
    name, _, url = entry.strip().partition("=")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not (re.fullmatch(r"[a-z0-9-]+", name) and parts.scheme == "http" and host and parts.path in ("", "/")):
        raise ValidationError(f"{entry!r} is not name=http://host:port")
    return Target(name, host, port or 80)


def check(entries: list[str]) -> None:
    """Raises `environs.ValidationError` for the first entry that is no target."""
    for entry in entries:
        parse(entry)


class Addresses:
    """Remembers the addresses of a target's name for a few seconds."""

    def __init__(self) -> None:
        self._known: dict[Target, tuple[float, list[str]]] = {}

    async def endpoints(self, target: Target) -> list[Endpoint]:
        """The processes behind the target; raises `OSError` where its name is unknown."""
        loop = asyncio.get_running_loop()
        until, addresses = self._known.get(target, (0.0, []))
        if loop.time() >= until:
            found = await loop.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
            addresses = sorted({str(address[0]) for *_, address in found})
            self._known[target] = loop.time() + RESOLVED_SECONDS, addresses
        several = len(addresses) > 1
        return [
            Endpoint(target, address, f"{target.name} {address}" if several else target.name) for address in addresses
        ]
