"""The same clients and the same checker against the stock layer, which has to be caught losing messages."""

import random

from tests.chaos.control import POSTGRES, REALTIME, REDIS
from tests.chaos.deployment import deployed, running
from tests.chaos.options import Options
from tests.chaos.plan import planned
from tests.chaos.report import Outcome
from tests.chaos.stock.programs import start_stock
from tests.chaos.trial import conclude, settle, take_step, warm_up, world_of

from devstack.output import Output

_FAULTS = "redis-clients,redis-kill"
_ROOMS, _EACH = 4, 5


async def run_stock(options: Options, out: Output) -> Outcome:
    """Redis' subscribers are cut and Redis restarted, under load; no process is harmed and no client cut off."""
    rng = random.Random(options.seed)
    async with running(options.folder, out, services=False) as stack:
        with out.step("stock daphne x2, the tutorial's consumer, the stock channel layer"):
            await start_stock(stack)
        ways = dict(zip(REALTIME, (stack.ports.realtime_1, stack.ports.realtime_2), strict=True))
        deployment = deployed(stack, ways, rng, (POSTGRES, REDIS, *REALTIME))
        async with world_of(deployment, options, rng) as world:
            await world.workload.prepare_guests(_ROOMS, _EACH)
            await warm_up(world, out)
            world.history.add("phase", why="faults")
            plan = planned(rng, options.duration, options.only or _FAULTS)
            findings = []
            for step in [*plan.required, *plan.optional]:
                findings += await take_step(world, step, out)
            findings += await settle(world, options, out)
            return await conclude(world, options, findings, [])
