"""What is started in which order, and stopped in the reverse."""

import asyncio
import json
import os
import socket
from collections.abc import Coroutine, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from devstack import services
from devstack.daily import Daily
from devstack.faults import Faults
from devstack.output import Output, StackError
from devstack.ports import HOST, Ports
from devstack.postgres import Postgres
from devstack.process import Service
from devstack.spawning import Program, run_once
from devstack.state import DataDirectory
from devstack.system import sweep
from devstack.valkey import Valkey

_LOG_LIMIT = 10 * 2**20
_MIGRATE = ("migrate", "--no-input")
_DEMO = ("+", "seed_demo", "+", "demo_logins", "--json")


class Stack:
    """PostgreSQL and Valkey, and on top of them the services.

    Temporary ones log to files, are not durable unless `durable` says so, and have no daily job.
    """

    def __init__(
        self, directory: DataDirectory, ports: Ports, out: Output, *, temporary: bool, durable: bool = False
    ) -> None:
        self.directory = directory
        self.ports = ports
        self.out = out
        self.temporary = temporary
        self.ready = False
        self.logins: list[dict[str, str]] = []
        durable = durable or not temporary
        self._postgres = Postgres(directory, ports.postgres, durable=durable, out=out)
        self._valkey = Valkey(directory, ports.redis, durable=durable)
        self._stages: list[list[Service]] = []
        self._shared: socket.socket | None = None
        self._faults = Faults(directory.run / "faults.sock", out)
        self._daily = Daily(out, self.write_state)
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
            await self.start(self._postgres.program(), self._valkey.program())
            await self._postgres.create_database()

    async def start_services(self, *, demo: bool) -> None:
        faults = self._faults.path if demo and await self._faults.open() else None
        env = services.service_environment(self.addresses, self.secret_key, demo=demo, faults=faults)
        with self.out.step("migrations and demo data" if demo else "migrations"):
            await self._prepare(env, demo=demo)
        self._shared = services.listen(self.ports.realtime)
        with self.out.step("mock-upstream, api, realtime x2"):
            await self.start(
                services.mock_upstream(self.ports, env),
                services.api(self.ports, env, self.directory),
                services.realtime(1, self.ports.realtime_1, self._shared, env),
                services.realtime(2, self.ports.realtime_2, self._shared, env),
            )
        self._faults.services = self.services
        if not self.temporary:
            self._daily.start(env)
        self.ready = True
        self.write_state()

    async def stop(self) -> None:
        """Everything, latest first, each stage at once. Nothing that descends from the runner survives it."""
        self.ready = False
        self._faults.close()
        await self._daily.stop()
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
            "daily": self._daily.state(),
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

    async def start(self, *programs: Program) -> None:
        """One stage: all at once; the first failure is the one that is told."""
        stage = [Service(self._logging(program), self.out, self.write_state) for program in programs]
        self._stages.append(stage)
        await _all_or_none(*(service.start() for service in stage))

    def _logging(self, program: Program) -> Program:
        if program.log is None and self.temporary:
            return replace(program, log=self.directory.log / f"{program.name}.log")
        return program

    async def _prepare(self, env: dict[str, str], *, demo: bool) -> None:
        argv = services.manage(*_MIGRATE, *(_DEMO if demo else ()))
        printed = await run_once("api.manage", argv, services.manage_environment(env), services.ROOT)
        if demo:
            try:
                self.logins = json.loads(printed.splitlines()[-1])
            except (ValueError, IndexError) as error:
                raise StackError("api.manage demo_logins --json did not print JSON", printed.splitlines()) from error


async def _all_or_none(*work: Coroutine[None, None, None]) -> None:
    """All at once. The first failure ends the others and is raised as it is, not in a group."""
    tasks = [asyncio.create_task(one) for one in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


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
