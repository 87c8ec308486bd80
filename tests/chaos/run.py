"""One run: the stack, the clients, the faults one after the other, and what was found."""

import random

from tests.chaos import resources
from tests.chaos.deployment import deployed, running
from tests.chaos.facts import Finding
from tests.chaos.nemeses import NEMESES, Nemeses
from tests.chaos.options import Options
from tests.chaos.plan import Plan, planned
from tests.chaos.report import Outcome
from tests.chaos.resources import Groups
from tests.chaos.trial import conclude, settle, take_step, warm_up, world_of
from tests.chaos.world import QUIET, World

from devstack.output import Output


async def run(options: Options, out: Output) -> Outcome:
    """Everything, from an empty machine to a verdict."""
    rng = random.Random(options.seed)
    plan = planned(rng, options.duration, options.only)
    async with running(options.folder, out, services=True) as stack:
        ports = stack.ports
        ways = {"realtime": ports.realtime, "realtime-1": ports.realtime_1, "realtime-2": ports.realtime_2}
        deployment = deployed(stack, ways | {"api": ports.api}, rng)
        async with world_of(deployment, options, rng) as world:
            return await trial(world, plan, options, out)


async def trial(
    world: World,
    plan: Plan,
    options: Options,
    out: Output,
    *,
    nemeses: Nemeses = NEMESES,
    groups: Groups = resources.GROUPS,
    quiet: float = QUIET,
) -> Outcome:
    """The plan's faults on a stack that runs, and what was found."""
    workload, notes, findings = world.workload, list[str](), list[Finding]()
    with out.step("people and rooms"):
        await workload.prepare()
    await warm_up(world, out)
    before = await resources.snapshot(world.control, world.database.sessions, groups)
    world.history.add("phase", why="faults")
    until = world.history.now() + options.duration
    for number, step in enumerate([*plan.required, *plan.optional]):
        if number >= len(plan.required) and world.history.now() > until:
            break
        findings += await take_step(world, step, out, nemeses)
        if findings:
            # A service stays down: nothing that comes after would tell more.
            break
    findings += await settle(world, options, out)
    with out.step("quiet: memory, threads, files and sessions given back"):
        after = await resources.settled(world.control, world.database.sessions, before, quiet, groups)
    findings += resources.compared(before, after)
    return await conclude(world, options, findings, notes)
