"""The console's pages of rooms and of signing in, as the server renders them."""

import httpx
import pytest
import pytest_asyncio
from pytest_django import Settings

from accounts.models import User
from rooms.models import Membership, Room
from testing.database import in_scope


@pytest_asyncio.fixture
async def rooms(database: None) -> tuple[Room, Room]:
    """A public and a private one."""
    public: Room = await in_scope(Room.async_objects.acreate(name="lobby", title="Lobby", last_seq=7))
    private: Room = await in_scope(Room.async_objects.acreate(name="cabal", title="Cabal", public=False))
    return public, private


@pytest.fixture
def guests(settings: Settings) -> None:
    """Guests are admitted."""
    settings.ALLOW_GUESTS = True


async def test_what_a_guest_sees(client: httpx.AsyncClient, rooms: tuple[Room, Room], guests: None) -> None:
    """The public rooms only, and a way to sign in."""
    page = await client.get("/rooms/")
    assert 'href="/rooms/lobby/"' in page.text
    assert "cabal" not in page.text
    assert "/sign-in/?next=/rooms/" in page.text
    assert (await client.get("/rooms/lobby/")).status_code == 200


async def test_without_guests(client: httpx.AsyncClient, rooms: tuple[Room, Room]) -> None:
    """Where guests are not admitted no room is named, and a room says who may enter."""
    assert "lobby" not in (await client.get("/rooms/")).text
    page = await client.get("/rooms/lobby/")
    assert (page.status_code, "not for guests" in page.text) == (401, True)
    assert page.headers["Content-Type"].startswith("text/html")


async def test_a_private_room(user_client: httpx.AsyncClient, user: User, rooms: tuple[Room, Room]) -> None:
    """It is closed to all but its members, in the list too."""
    page = await user_client.get("/rooms/cabal/")
    assert (page.status_code, "for its members" in page.text) == (403, True)
    assert "cabal" not in (await user_client.get("/rooms/")).text
    await in_scope(Membership.async_objects.acreate(room_id=rooms[1].pk, user_id=user.pk))
    assert (await user_client.get("/rooms/cabal/")).status_code == 200
    assert "cabal" in (await user_client.get("/rooms/")).text


@pytest.mark.parametrize("name", ["nowhere", "no-word", "<b>"])
async def test_no_such_room(client: httpx.AsyncClient, database: None, name: str) -> None:
    """A page that says so, with the status; the name is not taken for markup."""
    page = await client.get(f"/rooms/{name}/")
    assert page.status_code == 404
    assert "<b>" not in page.text


async def test_passwords_are_shown_in_the_demo_only(
    client: httpx.AsyncClient, rooms: tuple[Room, Room], guests: None, settings: Settings
) -> None:
    """The one-click logins of both pages exist where the demo's users do."""
    for demo in (True, False):
        settings.DEMO = demo
        for path in ("/sign-in/", "/rooms/lobby/"):
            assert ("millrace-alan" in (await client.get(path)).text) is demo


@pytest.mark.parametrize(
    ("wanted", "leads"),
    [
        ("/gather/", "/gather/"),
        ("/rooms/lobby/?a=1", "/rooms/lobby/?a=1"),
        ("", "/rooms/"),
        ("/sign-in/", "/rooms/"),
        ("//example.org/", "/rooms/"),
        ("/\\example.org", "/rooms/"),
        ("https://example.org/", "/rooms/"),
        ("javascript:alert(1)", "/rooms/"),
        ("gather", "/rooms/"),
    ],
)
async def test_where_signing_in_leads(client: httpx.AsyncClient, wanted: str, leads: str) -> None:
    """A path of this site, whatever the link says."""
    page = await client.get("/sign-in/", params={"next": wanted})
    assert f'data-next="{leads}"' in page.text
