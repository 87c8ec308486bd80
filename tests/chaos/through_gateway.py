"""The clients and the checker of `make chaos` against a stack that runs, through its gateway, and requests beside."""

import random
from collections.abc import Sequence
from pathlib import Path

from tests.chaos.asking import asking
from tests.chaos.availability import Explains, answers, unanswered
from tests.chaos.nemeses import Nemeses
from tests.chaos.options import Options
from tests.chaos.plan import planned
from tests.chaos.replicas import replicas_of
from tests.chaos.report import Outcome
from tests.chaos.resources import Groups
from tests.chaos.run import trial
from tests.chaos.trial import world_of
from tests.chaos.workload import STAFF
from tests.chaos.world import Deployment

from devstack.output import Output

# The health of the services does not depend on the database; this page does, and anyone may ask for it.
USES_DATABASE = "/api/orm/"
_HEADER = ("fault", "requests", "failed", "slowest, s")
_GROUPS = ("api", "realtime", "redis")


def ways_in(port: int) -> dict[str, int]:
    """To every client the gateway is all there is; the names say which replica a client of `make chaos` would have."""
    return dict.fromkeys(("api", "realtime", "realtime-1", "realtime-2"), port)


async def run_through_gateway(
    deployment: Deployment, faults: Nemeses, explains: Explains, options: Options, out: Output
) -> Outcome:
    """Faults of each replica, while rooms talk and requests are asked."""
    rng = random.Random(options.seed)
    plan = planned(rng, options.duration, options.only, faults)
    groups: Groups = {name: tuple(replicas_of(name, deployment.services)) for name in _GROUPS}
    async with world_of(deployment, options, rng) as world:
        async with asking(world.history, deployment.origin, await world.workload.office.sign_in(*STAFF)):
            outcome = await trial(world, plan, options, out, nemeses=faults, groups=groups, quiet=deployment.quiet)
        outcome.verdict.findings += unanswered(world.history.events, outcome.windows, explains)
        asked = answers(world.history.events, outcome.windows)
    _report(options.folder, asked)
    out.say()
    out.table(asked, header=_HEADER)
    return outcome


def _report(folder: Path, rows: Sequence[tuple[str, ...]]) -> None:
    table = "\n".join("| " + " | ".join(row) + " |" for row in (_HEADER, ("---",) * len(_HEADER), *rows))
    (folder / "requests.md").write_text(f"# Requests through the gateway\n\n{table}\n")
