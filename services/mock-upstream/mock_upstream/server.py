"""The process: settings from the environment, and uvicorn around the application."""

import logging
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from types import FrameType
from typing import Self

import uvicorn

from mock_upstream.app import Upstream
from mock_upstream.connection import ConnectionProtocol
from mock_upstream.listening import ListenError, dual_stack

# A server must keep an idle connection longer than the proxy (60 s), and that one longer than the client (4 s):
# the other way round a request meets a connection that is just being closed.
KEEP_ALIVE_S = 75
GRACEFUL_S = 5

_SWITCH = {"0": False, "false": False, "1": True, "true": True}
_LOG_LEVELS = ("critical", "error", "warning", "info", "debug", "trace")


class SettingError(ValueError):
    """A malformed environment variable; the message names it."""


@dataclass(frozen=True)
class Settings:
    """Where to listen and how much to log; port 0 takes a free one, which the log then names."""

    host: str = "127.0.0.1"
    port: int = 8002
    log_level: str = "info"
    listen_ipv6: bool = False

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        """HOST, PORT, LOG_LEVEL and LISTEN_IPV6, each optional. Raises SettingError."""
        host = env.get("HOST", cls.host)
        if not host or not host.isascii() or any(mark.isspace() for mark in host):
            raise SettingError(f"HOST must be a host name or an IP address, not {host!r}")
        port = env.get("PORT", str(cls.port))
        if not (port.isascii() and port.isdigit() and len(port) <= 5 and int(port) <= 65_535):
            raise SettingError(f"PORT must be an integer from 0 to 65535, not {port!r}")
        log_level = env.get("LOG_LEVEL", cls.log_level).lower()
        if log_level not in _LOG_LEVELS:
            raise SettingError(f"LOG_LEVEL must be one of {', '.join(_LOG_LEVELS)}, not {log_level!r}")
        listen_ipv6 = _SWITCH.get(env.get("LISTEN_IPV6", "0").lower())
        if listen_ipv6 is None:
            raise SettingError(f"LISTEN_IPV6 must be 0 or 1, not {env['LISTEN_IPV6']!r}")
        return cls(host, int(port), log_level, listen_ipv6)


def build_server(settings: Settings, upstream: Upstream) -> uvicorn.Server:
    """uvicorn on uvloop and httptools, with the protocol that gives the faults their sockets."""
    config = uvicorn.Config(
        upstream,
        host=settings.host,
        port=settings.port,
        log_level=settings.log_level,
        loop="uvloop",
        http=ConnectionProtocol,
        ws="none",
        lifespan="off",
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACEFUL_S,
    )
    return uvicorn.Server(config)


def run(env: Mapping[str, str]) -> None:
    """Serve until SIGTERM or SIGINT, then drain and exit with 0. A malformed setting exits with 1 and its name."""
    try:
        settings = Settings.from_env(env)
        sockets = dual_stack(settings.port) if settings.listen_ipv6 else None
    except (SettingError, ListenError) as error:
        raise SystemExit(f"mock-upstream: {error}") from error
    # uvicorn raises the signal again once it has drained; by default that would end a clean stop as a kill.
    signal.signal(signal.SIGTERM, _exit)
    signal.signal(signal.SIGINT, _exit)
    server = build_server(settings, Upstream())
    if sockets:
        # uvicorn says where it listens only if it opened the socket itself.
        port = sockets[0].getsockname()[1]
        logging.getLogger("uvicorn.error").info("Listening on http://0.0.0.0:%d and http://[::]:%d", port, port)
    server.run(sockets)


def _exit(_signum: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)
