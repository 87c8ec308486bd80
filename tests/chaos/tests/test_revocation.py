"""Shutting a member out and taking it back, against a server that has nothing but memberships."""

import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import aiohttp
import pytest_asyncio
from aiohttp import web
from tests.chaos.control import Control
from tests.chaos.database import Database
from tests.chaos.history import History
from tests.chaos.member import Member
from tests.chaos.network_faults import revocation
from tests.chaos.people import Office, Person
from tests.chaos.workload import Places, Workload
from tests.chaos.world import World


class Memberships:
    """`PUT` and `DELETE` of one member; tells `member` as a socket's close code would."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.member: Member | None = None
        self.refusals = 0

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append((request.method, request.path))
        if self.refusals:
            self.refusals -= 1
            return web.Response(status=503)
        if self.member is not None and request.method == "DELETE":
            self.member.shut_out = True
            self.member.admitted.clear()
        return web.Response(status=200)


@pytest_asyncio.fixture
async def memberships() -> AsyncIterator[tuple[Memberships, str]]:
    """The server and its address."""
    served = Memberships()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", served.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    yield served, f"http://{host}:{port}"
    await runner.cleanup()


async def _shut_out(memberships: tuple[Memberships, str], path: Path, seed: int) -> tuple[str, Member, list[str]]:
    served, api = memberships
    history = History(path / "history.jsonl")
    eve = Person(username="eve", token="t", cookie="", origin="")
    async with aiohttp.ClientSession() as session:
        office = Office(session, api, "")
        nowhere = Places(realtime={}, api=api, origin="")
        workload = Workload(history, Database(""), office, session, nowhere, random.Random(1), 1)
        workload.staff = Person(username="grace", token="t", cookie="", origin="")
        served.member = Member("c1", "private", "", eve, history, random.Random(1))
        workload.revocable.append(served.member)
        world = World(cast("Control", None), Database(""), "", {}, workload, history, random.Random(seed))
        done = await revocation(world, 0)
    history.close()
    return done, served.member, [event.kind for event in history.events]


async def test_shut_out_and_taken_back(memberships: tuple[Memberships, str], tmp_path: Path) -> None:
    """Each request and its answer are in the history, and the client may come back."""
    done, member, kinds = await _shut_out(memberships, tmp_path, seed=1)
    assert done == "c1 shut out for 0.0 s"
    assert kinds == ["revoke", "revoked", "grant", "granted"]
    assert [method for method, _ in memberships[0].asked] == ["DELETE", "PUT"]
    assert memberships[0].asked[0][1] == "/api/rooms/private/members/eve/"
    assert member.admitted.is_set()


async def test_shut_out_for_good(memberships: tuple[Memberships, str], tmp_path: Path) -> None:
    """Sometimes the membership is not given back; nobody waits for such a client at the end."""
    done, member, kinds = await _shut_out(memberships, tmp_path, seed=2)
    assert done == "c1 shut out for good"
    assert kinds == ["revoke", "revoked"]
    assert member.shut_out


async def test_a_refusal_is_no_revocation(memberships: tuple[Memberships, str], tmp_path: Path) -> None:
    """Where the api did not confirm, nothing is claimed, and the membership is made sure of."""
    memberships[0].refusals = 1
    done, member, kinds = await _shut_out(memberships, tmp_path, seed=1)
    assert done == "the api answered 503: not done"
    assert kinds == ["revoke"]
    assert [method for method, _ in memberships[0].asked] == ["DELETE", "PUT"]
    assert member.admitted.is_set()
