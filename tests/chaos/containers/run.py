"""Faults of containers that run, everything through their gateway."""

import os

from tests.chaos.availability import by_service
from tests.chaos.containers.control import ContainerControl, replicas
from tests.chaos.database import Database
from tests.chaos.options import Options
from tests.chaos.replicas import KINDS, replica_faults
from tests.chaos.report import Outcome
from tests.chaos.through_gateway import USES_DATABASE, run_through_gateway, ways_in
from tests.chaos.world import Deployment
from tests.containers.engine import Container, compose

from devstack.output import Output

_PASSWORD = "/secrets/postgres/database-password"


async def run_containers(options: Options, out: Output) -> Outcome:
    """Faults of each container."""
    named = replicas()
    port = int(os.environ.get("GATEWAY_PORT") or 8080)
    gateway = f"http://localhost:{port}"
    database = Database(_database_url(named["postgres"]))
    control = ContainerControl(named, database, {"gateway": f"{gateway}{USES_DATABASE}"})
    deployment = Deployment(
        control=control, database=database, ports=ways_in(port), origin=gateway, services=list(named)
    )
    faults = replica_faults(control, KINDS, list(named))
    return await run_through_gateway(deployment, faults, by_service, options, out)


def _database_url(postgres: Container) -> str:
    """Of the address on the loopback interface that compose.test.yaml publishes."""
    address = compose("port", "postgres", "5432").strip()
    return f"postgresql://millrace:{postgres.run('cat', _PASSWORD).stdout}@{address}/millrace"
