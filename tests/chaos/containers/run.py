"""The same clients and the same checker against containers that run, everything through their gateway."""

import os
import random
from pathlib import Path

from tests.chaos.containers.asking import asking
from tests.chaos.containers.availability import answers, unanswered
from tests.chaos.containers.control import ContainerControl, replicas
from tests.chaos.containers.faults import container_faults
from tests.chaos.database import Database
from tests.chaos.options import Options
from tests.chaos.plan import planned
from tests.chaos.report import Outcome
from tests.chaos.resources import Groups
from tests.chaos.run import trial
from tests.chaos.trial import world_of
from tests.chaos.workload import STAFF
from tests.chaos.world import Deployment
from tests.containers.engine import Container, compose

from embedded.output import Output

_PASSWORD = "/secrets/postgres/database-password"
_HEADER = ("fault", "requests", "failed", "slowest, s")


async def run_containers(options: Options, out: Output) -> Outcome:
    """Faults of each container, while rooms talk and requests are asked."""
    rng = random.Random(options.seed)
    named = replicas()
    port = int(os.environ.get("GATEWAY_PORT") or 8080)
    gateway = f"http://localhost:{port}"
    database = Database(_database_url(named["postgres"]))
    # The health of the services does not depend on the database; this page does, and anyone may ask for it.
    control = ContainerControl(named, database, {"gateway": f"{gateway}/api/orm/"})
    faults = container_faults(control, list(named))
    plan = planned(rng, options.duration, options.only, faults)
    # To everybody the gateway is all there is; the names say which replica a client of `make chaos` would have.
    ways = dict.fromkeys(("api", "realtime", "realtime-1", "realtime-2"), port)
    deployment = Deployment(control=control, database=database, ports=ways, origin=gateway, services=list(named))
    async with world_of(deployment, options, rng) as world:
        async with asking(world.history, gateway, await world.workload.office.sign_in(*STAFF)):
            outcome = await trial(world, plan, options, out, nemeses=faults, groups=_groups(list(named)))
        outcome.verdict.findings += unanswered(world.history.events, outcome.windows)
        asked = answers(world.history.events, outcome.windows)
    _report(options.folder, asked)
    out.say()
    out.table(asked, header=_HEADER)
    return outcome


def _database_url(postgres: Container) -> str:
    """Of the address on the loopback interface that compose.test.yaml publishes."""
    address = compose("port", "postgres", "5432").strip()
    return f"postgresql://millrace:{postgres.run('cat', _PASSWORD).stdout}@{address}/millrace"


def _groups(names: list[str]) -> Groups:
    def of(prefix: str) -> tuple[str, ...]:
        return tuple(name for name in names if name.startswith(prefix))

    return {"api": of("api"), "realtime": of("realtime"), "redis": of("redis")}


def _report(folder: Path, rows: list[tuple[str, ...]]) -> None:
    table = "\n".join("| " + " | ".join(row) + " |" for row in (_HEADER, ("---",) * len(_HEADER), *rows))
    (folder / "requests.md").write_text(f"# Requests through the gateway\n\n{table}\n")
