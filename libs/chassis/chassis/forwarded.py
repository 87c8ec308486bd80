"""Whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed, and what they say of a connection.

One implementation for both services and for each server (uvicorn, daphne, hypercorn), by the rules of uvicorn:
`FORWARDED_ALLOW_IPS` lists addresses and networks, separated by commas, or is `*` for every peer. daphne's own option
believes every peer and takes the first address, which the client chooses; hypercorn's counts proxies and believes every
peer too. A malformed address is refused here; uvicorn would compare it as text, and so trust no proxy.
"""

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Self

from environs import ValidationError

from async_handler.types import ASGIApplication, Receive, Scope, Send

_SCHEMES = {"http", "https", "ws", "wss"}


def proxies(value: str) -> None:
    """A validator for `env.str`: the value must be addresses and networks, or `*`, as `TrustedProxies.parse` reads."""
    try:
        TrustedProxies.parse(value)
    except ValueError as error:
        raise ValidationError(str(error)) from error


@dataclass(frozen=True, slots=True)
class TrustedProxies:
    """The peers whose forwarded headers are believed; by default none."""

    everyone: bool = False
    networks: tuple[IPv4Network | IPv6Network, ...] = ()

    @classmethod
    def parse(cls, value: str) -> Self:
        """The meaning of a value of `FORWARDED_ALLOW_IPS`. Raises `ValueError` for what is no address or network."""
        if value.strip() in {"", "*"}:
            return cls(everyone=bool(value.strip()))
        # A single address is a network of one. One with bits to the right of its mask is refused.
        return cls(networks=tuple(ip_network(item.strip()) for item in value.split(",")))

    def __contains__(self, host: str | None) -> bool:
        """True if forwarded headers of this peer are believed."""
        if self.everyone:
            return True
        try:
            address = ip_address(host or "")
        except ValueError:
            return False
        return any(address in network for network in self.networks)

    def in_front_of(self, application: ASGIApplication) -> ASGIApplication:
        """`application` behind these proxies: sees the clients that they forward. Itself if no peer is trusted."""
        if not self.everyone and not self.networks:
            return application

        async def behind(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "lifespan":
                self.apply(scope)
            await application(scope, receive, send)

        return behind

    def apply(self, scope: Scope) -> None:
        """Replace `client` and `scheme` of a connection by what a trusted peer says of them."""
        client = scope.get("client")
        if (client[0] if client else None) not in self:
            return
        schemes, forwarded = _values(scope, b"x-forwarded-proto"), _values(scope, b"x-forwarded-for")
        if schemes and (scheme := schemes[-1].strip()) in _SCHEMES:
            scope["scheme"] = scheme.replace("http", "ws") if scope["type"] == "websocket" else scheme
        if forwarded:
            host, port = self._client(", ".join(forwarded))
            if host:
                scope["client"] = [host, port]

    def _client(self, forwarded: str) -> tuple[str, int]:
        # Each proxy appends the address that it was asked from, so only what stands after the last address that is not
        # trusted was written by proxies that are.
        hosts = [_host_port(item.strip()) for item in forwarded.split(",")]
        return next((found for found in reversed(hosts) if found[0] not in self), hosts[0])


def _values(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]


def _host_port(value: str) -> tuple[str, int]:
    """An address with or without a port (`10.0.0.1:80`, `[::1]:80`); anything else is returned unchanged."""
    if value.startswith("[") and "]" in value:
        host, _, rest = value[1:].partition("]")
        if rest and not rest.startswith(":"):
            return value, 0
        return host, _port(rest[1:]) or 0
    host, colon, port = value.partition(":")
    number = _port(port) if colon and ":" not in port else None
    return (value, 0) if number is None else (host, number)


def _port(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None
