"""The parts of a run: the world it happens in, one step of faults, and the end at which all have everything."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Sequence

import aiohttp
from tests.chaos.checker import check
from tests.chaos.claims import claims
from tests.chaos.database import until_healthy
from tests.chaos.facts import Finding, Limits
from tests.chaos.history import History
from tests.chaos.lag import lag_recorded
from tests.chaos.measures import windows_of
from tests.chaos.nemeses import NEMESES, Nemeses, inflict
from tests.chaos.options import Options
from tests.chaos.people import Office
from tests.chaos.plan import Step
from tests.chaos.proxy import Proxy
from tests.chaos.report import Outcome
from tests.chaos.workload import Places, Workload
from tests.chaos.world import Deployment, World

from devstack.output import Output

API = "api"
_CONNECT, _WARM_UP, _PAUSE = 60.0, 8.0, 1.0
_LAST_ANSWERS = 30.0


@contextlib.asynccontextmanager
async def world_of(deployment: Deployment, options: Options, rng: random.Random) -> AsyncIterator[World]:
    """Proxies in front of the ways in, and a workload behind them that is not prepared yet."""
    control, database, redis_url = deployment.control, deployment.database, deployment.redis_url
    history = History(options.folder / "history.jsonl")
    proxies = {name: Proxy("127.0.0.1", port, silence=deployment.silence) for name, port in deployment.ports.items()}
    ways = {name: await proxy.start() for name, proxy in proxies.items()}
    places = Places(realtime=ways, api=f"http://{ways.pop(API, '')}", origin=deployment.origin)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        office = Office(session, places.api, places.origin)
        workload = Workload(history, database, office, session, places, rng, options.rate)
        try:
            async with lag_recorded(history):
                yield World(control, database, redis_url, proxies, workload, history, rng, deployment.services)
        finally:
            await control.resume_all()
            await workload.stop()
            for proxy in proxies.values():
                await proxy.stop()
            history.close()


async def warm_up(world: World, out: Output) -> None:
    """Everybody connects and begins to post. Raises `RuntimeError` where somebody cannot."""
    workload = world.workload
    workload.start()
    with out.step(f"{len(workload.members)} clients in {len(workload.rooms)} rooms"):
        if missing := await workload.connected(_CONNECT):
            raise RuntimeError(f"these clients could not connect to a healthy stack: {', '.join(missing)}")
    world.history.add("phase", why="warm")
    await asyncio.sleep(_WARM_UP)


async def take_step(world: World, step: Step, out: Output, nemeses: Nemeses = NEMESES) -> list[Finding]:
    """All faults of a step, then until everything is healthy; what does not come back is found."""
    history = world.history
    label = "+".join(fault.name for fault in step)
    began = history.now()
    findings = []
    over = began
    try:
        await asyncio.gather(*(inflict(world, fault.name, fault.seconds, nemeses, after=fault.after) for fault in step))
        over = history.now()
        await world.healthy()
    except TimeoutError as error:
        findings.append(Finding("down", f"after {label}: {error}", history.now()))
    history.add("healed", fault=label)
    out.say(f"  {began:6.1f} s  {label:<36} {over - began:5.1f} s, healed after {history.now() - over:.1f} s")
    world.workload.check()
    await asyncio.sleep(_PAUSE)
    return findings


async def settle(world: World, options: Options, out: Output) -> list[Finding]:
    """Nothing new is said; whoever waits for an answer gets it, and everybody comes to the head."""
    workload, findings = world.workload, list[Finding]()
    world.history.add("phase", why="settle")
    await until_healthy(world.database, _LAST_ANSWERS)
    with out.step("settling: last answers, everybody at the head"):
        unanswered = await workload.finish_posting(_LAST_ANSWERS)
        missing = await workload.connected(options.heal)
        behind = await workload.at_head(options.heal)
    now = world.history.now()
    if missing:
        findings.append(Finding("behind", f"not connected when all was well: {', '.join(missing)}", now))
    findings += [Finding("behind", f"{who} after {options.heal:g} s of calm", now) for who in behind]
    if unanswered:
        out.warn(f"  {unanswered} posts had no outcome {_LAST_ANSWERS:g} s after the last fault")
    return findings


async def conclude(world: World, options: Options, extra: Sequence[Finding], notes: list[str]) -> Outcome:
    """The checker's verdict and `extra` beside it."""
    history = world.history
    table = await world.database.table(list(world.workload.rooms))
    history.add("phase", why="end")
    # What this process was late by is no fault of the server's.
    lag = max((event.code or 0 for event in history.events if event.kind == "lag"), default=0) / 1000
    verdict = check(history.events, table, Limits(heal=options.heal + lag, grace=2.0 + lag))
    verdict.findings += extra
    windows = windows_of(history.events)
    return Outcome(options.seed, history.events, windows, verdict, claims(history.events, windows), notes)
