"""One run: the stack, the clients, the faults one after the other, and what was found."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator

import aiohttp
from tests.chaos import resources
from tests.chaos.checker import check
from tests.chaos.claims import claims
from tests.chaos.database import Database, until_healthy
from tests.chaos.deployment import running
from tests.chaos.embedded_control import EmbeddedControl
from tests.chaos.facts import Finding, Limits
from tests.chaos.history import History
from tests.chaos.lag import lag_recorded
from tests.chaos.measures import windows_of
from tests.chaos.nemeses import inflict
from tests.chaos.options import Options
from tests.chaos.people import Office
from tests.chaos.plan import Step, planned
from tests.chaos.proxy import Proxy
from tests.chaos.report import Outcome
from tests.chaos.workload import Places, Workload
from tests.chaos.world import World

from embedded.output import Output
from embedded.stack import Stack

_CONNECT = 60.0
_WARM_UP, _PAUSE = 8.0, 1.0
_LAST_ANSWERS = 30.0
# A half-open socket is noticed after 50 s.
_QUIET = 60.0


async def run(options: Options, out: Output) -> Outcome:
    """Everything, from an empty machine to a verdict."""
    rng = random.Random(options.seed)
    steps = planned(rng, options.duration, options.only)
    history = History(options.folder / "history.jsonl")
    try:
        async with running(options.folder, out, services=True) as stack, _world(stack, options, history, rng) as world:
            return await _trial(world, steps, options, out)
    finally:
        history.close()


@contextlib.asynccontextmanager
async def _world(stack: Stack, options: Options, history: History, rng: random.Random) -> AsyncIterator[World]:
    database = Database(stack.addresses.database_url)
    control = EmbeddedControl(stack, database, rng)
    targets = {
        "api": stack.ports.api,
        "realtime": stack.ports.realtime,
        "realtime-1": stack.ports.realtime_1,
        "realtime-2": stack.ports.realtime_2,
    }
    proxies = {name: Proxy("127.0.0.1", port) for name, port in targets.items()}
    ways = {name: await proxy.start() for name, proxy in proxies.items()}
    places = Places(realtime=ways, api=f"http://{ways['api']}", origin=stack.addresses.api)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        office = Office(session, places.api, places.origin)
        workload = Workload(history, database, office, session, places, rng, options.rate)
        try:
            async with lag_recorded(history):
                yield World(control, database, stack.addresses.redis_url, proxies, workload, history, rng)
        finally:
            control.resume_all()
            await workload.stop()
            for proxy in proxies.values():
                await proxy.stop()


async def _trial(world: World, steps: list[Step], options: Options, out: Output) -> Outcome:
    workload, history, notes = world.workload, world.history, list[str]()
    with out.step("people and rooms"):
        await workload.prepare()
    if not await _can_revoke(workload):
        notes.append("NOT CHECKED: revocation. The api has no /api/rooms/<room>/members/<username>/ (it answers 404).")
        steps = [kept for step in steps if (kept := tuple(f for f in step if f.name != "revocation"))]
    workload.start()
    with out.step(f"{len(workload.members)} clients in {len(workload.rooms)} rooms"):
        if missing := await workload.connected(_CONNECT):
            raise RuntimeError(f"these clients could not connect to a healthy stack: {', '.join(missing)}")
    history.add("phase", why="warm")
    await asyncio.sleep(_WARM_UP)
    before = await resources.snapshot(world.control, world.database.sessions)
    history.add("phase", why="faults")
    for step in steps:
        await _step(world, step, out)
    extra = await _settle(world, options, out)
    with out.step("quiet: memory, threads, files and sessions given back"):
        after = await resources.settled(world.control, world.database.sessions, before, _QUIET)
    extra += resources.compared(before, after)
    table = await world.database.table(list(workload.rooms))
    history.add("phase", why="end")
    # What this process was late by is no fault of the server's.
    lag = max((event.code or 0 for event in history.events if event.kind == "lag"), default=0) / 1000
    verdict = check(history.events, table, Limits(heal=options.heal + lag, grace=2.0 + lag))
    verdict.findings += extra
    windows = windows_of(history.events)
    return Outcome(options.seed, history.events, windows, verdict, claims(history.events, windows), notes)


async def _can_revoke(workload: Workload) -> bool:
    """Asks for what is so already: a membership of somebody who has it."""
    somebody = workload.revocable[0].person
    if somebody is None:
        return False
    return await workload.office.set_member(workload.staff, workload.private, somebody.username, member=True) == 204


async def _step(world: World, step: Step, out: Output) -> None:
    history = world.history
    label = "+".join(fault.name for fault in step)
    began = history.now()
    async with asyncio.TaskGroup() as group:
        for fault in step:
            group.create_task(inflict(world, fault.name, fault.seconds, after=fault.after))
    over = history.now()
    await world.healthy()
    history.add("healed", fault=label)
    out.say(f"  {began:6.1f} s  {label:<36} {over - began:5.1f} s, healed after {history.now() - over:.1f} s")
    world.workload.check()
    await asyncio.sleep(_PAUSE)


async def _settle(world: World, options: Options, out: Output) -> list[Finding]:
    """Nothing new is said; whoever waits for an answer gets it, and everybody comes to the head."""
    workload, findings = world.workload, list[Finding]()
    world.history.add("phase", why="settle")
    await until_healthy(world.database, _LAST_ANSWERS)
    with out.step("settling: last answers, everybody at the head"):
        unanswered = await workload.finish_posting(_LAST_ANSWERS)
        behind = await workload.at_head(options.heal)
        now = world.history.now()
        if missing := await workload.connected(options.heal):
            findings.append(Finding("behind", f"not connected when all was well: {', '.join(missing)}", now))
    findings += [Finding("behind", f"{who} after {options.heal:g} s of calm", now) for who in behind]
    if unanswered:
        out.warn(f"  {unanswered} posts had no outcome {_LAST_ANSWERS:g} s after the last fault")
    return findings
