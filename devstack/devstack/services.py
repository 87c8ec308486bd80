"""The services, and the environment each is started with. This is the only module that knows how they are run."""

import os
import shutil
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from devstack.output import StackError
from devstack.ports import HOST, Ports
from devstack.spawning import Program
from devstack.state import DataDirectory

ROOT = Path(__file__).parents[2]
_DEMO = {
    "DEMO": "1",
    "ALLOW_GUESTS": "1",
    "ROOMS_ON_DEMAND": "1",
    # Everybody who plays with a demo comes from one address, the end-to-end suite above all.
    "LOGIN_ADDRESS_RATE": "1000/minute",
    "REGISTER_RATE": "1000/minute",
    "ROOMS_ON_DEMAND_ADDRESS_RATE": "100/minute",
}
# Of the user's shell, another project's perhaps: these decide what code a service loads and where it listens.
_FOREIGN = (
    "PYTHONPATH",
    "PYTHONHOME",
    "DJANGO_SETTINGS_MODULE",
    "HOST",
    "PORT",
    "LISTEN_FD",
    "LISTEN_IPV6",
    "SERVICE",
    "FAULTS_SOCKET",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """What the services are told, and what the table shows."""

    ports: Ports
    database_url: str
    redis_url: str

    @property
    def api(self) -> str:
        return f"http://{HOST}:{self.ports.api}"

    @property
    def realtime(self) -> str:
        return f"ws://{HOST}:{self.ports.realtime}"

    @property
    def realtime_direct(self) -> list[str]:
        return [f"ws://{HOST}:{port}" for port in (self.ports.realtime_1, self.ports.realtime_2)]

    @property
    def processes(self) -> str:
        """Whose metrics the console shows; each realtime process on its own port."""
        of_realtime = enumerate((self.ports.realtime_1, self.ports.realtime_2), start=1)
        return ",".join(
            [f"api={self.api}", *(f"realtime-{number}=http://{HOST}:{port}" for number, port in of_realtime)]
        )

    @property
    def upstream(self) -> str:
        return f"http://{HOST}:{self.ports.upstream}"


def base_environment(secret_key: str, database_url: str, redis_url: str) -> dict[str, str]:
    """What any of our code needs to be imported: for tests and checks. Exported settings win over the defaults."""
    inherited = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
    return {
        "SECRET_KEY": secret_key,
        "PYTHONUNBUFFERED": "1",
        **inherited,
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
    }


def service_environment(
    addresses: Addresses, secret_key: str, *, demo: bool, faults: Path | None = None
) -> dict[str, str]:
    """What every service gets; `faults` is where the demo's faults can be asked for."""
    origins = [f"http://{name}:{port}" for port in (addresses.ports.api, 8000) for name in (HOST, "localhost")]
    defaults = {
        "ALLOWED_HOSTS": f"{HOST},localhost",
        "ALLOWED_ORIGINS": ",".join(dict.fromkeys(origins)),
        "HTTPS_ONLY": "0",
        "LOG_FORMAT": "console",
        **(_DEMO if demo else {}),
    }
    return {
        **defaults,
        **base_environment(secret_key, addresses.database_url, addresses.redis_url),
        "UPSTREAM_URL": addresses.upstream,
        "REALTIME_URL": addresses.realtime,
        "CONSOLE_TARGETS": addresses.processes,
        **({"FAULTS_SOCKET": str(faults)} if faults else {}),
    }


def manage(*arguments: str) -> list[str]:
    """The api's management commands, `+` between one and the next."""
    return [sys.executable, "-m", "devstack.manage", *arguments]


def manage_environment(env: Mapping[str, str]) -> dict[str, str]:
    own = {"DJANGO_SETTINGS_MODULE": "api.settings", "SERVICE": "manage", "PYTHONPATH": str(ROOT / "devstack")}
    return {**env, **own}


def mock_upstream(ports: Ports, env: Mapping[str, str]) -> Program:
    return _service("mock-upstream", "mock_upstream", ports.upstream, "/health", {}, env)


def api(ports: Ports, env: Mapping[str, str], directory: DataDirectory) -> Program:
    metrics = directory.run / "prometheus"
    own = {
        "PROMETHEUS_MULTIPROC_DIR": str(metrics),
        "WEB_CONCURRENCY": env.get("WEB_CONCURRENCY", "2"),
        "DJANGO_SETTINGS_MODULE": "api.settings",
    }

    def fresh_metrics() -> None:
        # Files of processes that are gone would go on counting.
        shutil.rmtree(metrics, ignore_errors=True)
        metrics.mkdir()

    program = _service("api", "api", ports.api, "/health/startup", own, env)
    return replace(program, before=fresh_metrics)


def realtime(number: int, port: int, shared: socket.socket, env: Mapping[str, str]) -> Program:
    """One of the two processes that accept on the shared socket; `port` is its own, for health, metrics and tests."""
    own = {"LISTEN_FD": str(shared.fileno()), "DJANGO_SETTINGS_MODULE": "realtime.settings"}
    program = _service(f"realtime-{number}", "realtime", port, "/health/startup", own, env)
    return replace(program, pass_fds=(shared.fileno(),))


def listen(port: int) -> socket.socket:
    """The shared socket. The runner holds it, so a connection made while a process restarts waits in its queue."""
    shared = socket.socket()
    shared.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        shared.bind((HOST, port))
    except OSError as error:
        shared.close()
        raise StackError(f"cannot listen on port {port}: {error.strerror}") from error
    shared.listen(1024)
    shared.setblocking(False)
    return shared


def _service(name: str, module: str, port: int, health: str, own: Mapping[str, str], env: Mapping[str, str]) -> Program:
    return Program(
        name=name,
        argv=(sys.executable, "-m", module),
        env={**env, "HOST": HOST, "PORT": str(port), "SERVICE": name, **own},
        cwd=ROOT,
        port=port,
        health=f"http://{HOST}:{port}{health}",
    )
