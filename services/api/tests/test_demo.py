"""The demo data: seeded once, repeatable, and only where it is a demo."""

import io
import json

import httpx
import pytest
from django.contrib.auth.hashers import check_password
from django.core.management import CommandError, call_command
from pytest_django import Settings

from accounts.models import User
from api.articles.models import Article
from api.demo.data import ARTICLES, LOGINS, ROOMS
from rooms.models import Message, Room
from testing.database import in_thread
from testing.people import bearer


@pytest.fixture
def demo(database: None, settings: Settings) -> None:
    """A demo without data."""
    settings.DEMO = True


async def run(*arguments: str) -> str:
    """What a management command prints."""
    out = io.StringIO()
    await in_thread(call_command, *arguments, stdout=out)
    return out.getvalue()


def counts() -> list[int]:
    """Rows of what is seeded."""
    return [model.objects.count() for model in (User, Room, Message, Article)]


async def test_seed(demo: None) -> None:
    """Users, rooms with history and articles are there afterwards."""
    await run("seed_demo")
    history = sum(len(room.history) for room in ROOMS)
    assert await in_thread(counts) == [len(LOGINS), len(ROOMS), history, len(ARTICLES)]


async def test_seed_again(demo: None) -> None:
    """A second time changes nothing, so it may run at every start."""
    await run("seed_demo")
    before = await in_thread(counts)
    await run("seed_demo")
    assert await in_thread(counts) == before


async def test_seed_keeps_what_people_did(demo: None) -> None:
    """A changed password stays changed."""
    await run("seed_demo")
    await in_thread(User.objects.filter(username="ada").update, password="!")
    await run("seed_demo")
    assert (await in_thread(User.objects.get, username="ada")).password == "!"


async def test_logins_work(demo: None) -> None:
    """Every printed login is one, and the staff login is staff."""
    await run("seed_demo")
    for login in json.loads(await run("demo_logins", "--json")):
        user = await in_thread(User.objects.get, username=login["username"])
        assert await in_thread(check_password, login["password"], user.password)
        assert user.is_staff == (login["role"] == "staff")


async def test_logins_as_a_table(demo: None) -> None:
    """Without `--json` it is a line a login."""
    assert len((await run("demo_logins")).splitlines()) == len(LOGINS)


async def test_history_can_be_read(demo: None, client: httpx.AsyncClient) -> None:
    """What was seeded is numbered as if it had been posted."""
    await run("seed_demo")
    headers = await bearer(await in_thread(User.objects.get, username="ada"))
    page = (await client.get("/api/rooms/lobby/messages/", headers=headers)).json()
    assert [message["seq"] for message in page["messages"]] == list(range(1, page["last_seq"] + 1))


async def test_not_in_production(database: None, settings: Settings) -> None:
    """Without DEMO nothing is created: the passwords are public."""
    settings.DEMO = False
    with pytest.raises(CommandError, match="DEMO"):
        await run("seed_demo")
    assert await in_thread(counts) == [0, 0, 0, 0]
