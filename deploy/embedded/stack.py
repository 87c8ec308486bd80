"""What is started in which order, and stopped in the reverse."""

import asyncio
import json
import os
import socket
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from embedded import services
from embedded.errors import StackError
from embedded.output import Output
from embedded.ports import HOST, Ports
from embedded.postgres import Postgres
from embedded.process import Program, Service
from embedded.spawning import run_once
from embedded.state import DataDirectory
from embedded.system import sweep
from embedded.valkey import Valkey

_LOG_LIMIT = 10 * 2**20


class Stack:
    """PostgreSQL and Valkey, and on top of them the services. Temporary ones log to files and are not durable."""

    def __init__(self, directory: DataDirectory, ports: Ports, out: Output, *, temporary: bool) -> None:
        self.directory = directory
        self.ports = ports
        self.out = out
        self.temporary = temporary
        self.ready = False
        self.logins: list[dict[str, str]] = []
        self._postgres = Postgres(directory, ports.postgres, durable=not temporary, out=out)
        self._valkey = Valkey(directory, ports.redis, durable=not temporary)
        self._stages: list[list[Service]] = []
        self._shared: socket.socket | None = None
        self.addresses = services.Addresses(ports=ports, database_url=self._postgres.url, redis_url=self._valkey.url)

    @property
    def services(self) -> list[Service]:
        return [service for stage in self._stages for service in stage]

    @property
    def secret_key(self) -> str:
        return self.directory.secret("secret-key")

    async def start_databases(self) -> None:
        for log in self.directory.log.glob("*.log"):
            if log.stat().st_size > _LOG_LIMIT:
                log.rename(log.with_suffix(".log.1"))
        await self._postgres.prepare()
        with self.out.step(f"PostgreSQL and Valkey (ports {self.ports.postgres}, {self.ports.redis})"):
            await self._start(self._postgres.program(), self._valkey.program())
            await self._postgres.create_database()

    async def start_services(self, *, demo: bool) -> None:
        env = services.service_environment(self.addresses, self.secret_key, demo=demo)
        with self.out.step("migrations"):
            await self._manage(env, "migrate", "--no-input")
        if demo:
            with self.out.step("demo data"):
                await self._manage(env, "seed_demo")
        self._shared = services.listen(self.ports.realtime)
        with self.out.step("mock-upstream, api, realtime x2"):
            # Both at once: the logins take an interpreter of their own to print.
            await asyncio.gather(
                self._start(
                    services.mock_upstream(self.ports, env),
                    services.api(self.ports, env, self.directory),
                    services.realtime(1, self.ports.realtime_1, self._shared, env),
                    services.realtime(2, self.ports.realtime_2, self._shared, env),
                ),
                self._read_logins(env, demo=demo),
            )
        self.ready = True
        self.write_state()

    async def stop(self) -> None:
        """Everything, latest first, each stage at once. Nothing that descends from the runner survives it."""
        self.ready = False
        while self._stages:
            await asyncio.gather(*(service.stop() for service in self._stages[-1]))
            self._stages.pop()
        if self._shared is not None:
            self._shared.close()
        if left := sweep():
            self.out.warn(f"killed what was left: {', '.join(map(str, left))}")
        self.write_state()

    def kill(self) -> None:
        for service in self.services:
            service.kill()

    def write_state(self) -> None:
        """Without any secret: the file is for people and for `status`."""
        state = {
            "pid": os.getpid(),
            "ready": self.ready,
            "urls": self.urls(),
            "postgres": f"postgresql://millrace@{HOST}:{self.ports.postgres}/millrace",
            "redis": self.addresses.redis_url,
            "logins": self.logins,
            "services": [_entry(service) for service in self.services],
        }
        try:
            self.directory.write_state(state)
        except OSError as error:  # a full disk must not end the supervision
            self.out.warn(f"the state file is out of date: {error}")

    def urls(self) -> dict[str, str]:
        """As the end-to-end suite takes them from the environment."""
        return {
            "API_URL": self.addresses.api,
            "REALTIME_URL": self.addresses.realtime,
            "REALTIME_URLS": ",".join(self.addresses.realtime_direct),
            "UPSTREAM_URL": self.addresses.upstream,
        }

    async def _start(self, *programs: Program) -> None:
        """One stage: all at once; the first failure is the one that is told."""
        stage = [Service(self._logging(program), self.out, self.write_state) for program in programs]
        self._stages.append(stage)
        starts = [asyncio.create_task(service.start()) for service in stage]
        try:
            await asyncio.gather(*starts)
        finally:
            for start in starts:
                start.cancel()
            await asyncio.gather(*starts, return_exceptions=True)

    def _logging(self, program: Program) -> Program:
        if program.log is None and self.temporary:
            return replace(program, log=self.directory.log / f"{program.name}.log")
        return program

    async def _manage(self, env: dict[str, str], *arguments: str) -> str:
        own = {"DJANGO_SETTINGS_MODULE": "api.settings", "SERVICE": "manage"}
        return await run_once(f"manage {arguments[0]}", services.manage(*arguments), {**env, **own}, services.ROOT)

    async def _read_logins(self, env: dict[str, str], *, demo: bool) -> None:
        if not demo:
            return
        printed = await self._manage(env, "demo_logins", "--json")
        try:
            self.logins = json.loads(printed)
        except ValueError as error:
            raise StackError("manage demo_logins --json did not print JSON", printed.splitlines()) from error


def _entry(service: Service) -> dict[str, Any]:
    program = service.program
    return {
        "name": program.name,
        "pid": service.pid,
        "port": program.port,
        "health": program.health,
        "started_at": service.started_at,
        "restarts": service.restarts,
    }


def rows_of(state: dict[str, Any], secrets: Path) -> Iterable[tuple[str, str]]:
    """The table of addresses, from what `write_state` wrote."""
    urls = state["urls"]
    yield "Console", f"{urls['API_URL']}/"
    yield "API reference", f"{urls['API_URL']}/api/docs/"
    yield "WebSocket", f"{urls['REALTIME_URL']}/ws/chat/lobby/"
    yield "Mock upstream", f"{urls['UPSTREAM_URL']}/users"
    yield "PostgreSQL", f"{state['postgres']}  (password in {_relative(secrets / 'postgres-password')})"
    yield "Valkey", state["redis"]


def _relative(path: Path) -> str:
    """As short as it can be said from where the user is."""
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
