"""The stock stack: two daphne processes with the tutorial's consumer, on the embedded PostgreSQL and Valkey."""

import sys

from devstack import services
from devstack.ports import HOST
from devstack.spawning import Program, run_once
from devstack.stack import Stack


async def start_stock(stack: Stack) -> None:
    """Migrates and starts them; they are named like ours, so that the same faults find them."""
    env = services.service_environment(stack.addresses, stack.secret_key, demo=False)
    migrate = services.manage("migrate", "--no-input")
    await run_once("api.manage", migrate, services.manage_environment(env), services.ROOT)
    ports = stack.ports.realtime_1, stack.ports.realtime_2
    await stack.start(*(_daphne(f"realtime-{number}", port, env) for number, port in enumerate(ports, start=1)))


def _daphne(name: str, port: int, env: dict[str, str]) -> Program:
    return Program(
        name=name,
        argv=(sys.executable, "-m", "daphne", "-b", HOST, "-p", str(port), "tests.chaos.stock.asgi:application"),
        env={**env, "PYTHONPATH": str(services.ROOT)},
        cwd=services.ROOT,
        port=port,
        health=f"http://{HOST}:{port}/health",
    )
