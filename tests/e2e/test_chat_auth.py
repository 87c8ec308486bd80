"""Who may open a socket: tickets, the session cookie with its Origin, guests."""

import re

import pytest
from tests.e2e.conftest import OpenSocket
from tests.e2e.people import Person, newcomer, unique
from tests.e2e.sockets import PROTOCOL, Entry, refusal
from tests.e2e.stack import Stack
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

ROOM = "lobby"
NOT_SIGNED_IN, FORBIDDEN, NO_SUCH_ROOM = 4001, 4003, 4004
# Refused before the handshake is done: a browser's page from elsewhere is not even told why.
REFUSED = 403


async def test_a_ticket_admits_its_buyer(enter: OpenSocket, alice: Person) -> None:
    """The ticket says who it is; the server selects the protocol and never echoes the ticket."""
    async with enter(ROOM, await alice.ticket(ROOM)) as socket:
        assert socket.connection.subprotocol == PROTOCOL
        client_id = await socket.say(unique("ticket"))
        assert (await socket.expect(type="message", id=client_id))["username"] == alice.username


async def test_a_ticket_may_be_the_first_frame(enter: OpenSocket, alice: Person) -> None:
    """With `?auth=ticket` the ticket comes as the first frame, for clients that can set no subprotocol."""
    ticket = (await alice.ticket(ROOM)).ticket
    async with enter(ROOM, Entry(), {"auth": "ticket"}, sync=False) as socket:
        await socket.send({"type": "auth", "ticket": ticket})
        await socket.expect(type="synced")
        client_id = await socket.say(unique("frame"))
        assert (await socket.expect(type="message", id=client_id))["username"] == alice.username


async def test_a_ticket_admits_once(enter: OpenSocket, stack: Stack, alice: Person) -> None:
    """The second socket with one ticket is closed with 4001, also while the first one is open."""
    ticket = await alice.ticket(ROOM)
    async with enter(ROOM, ticket):
        assert await refusal(stack.realtime, ROOM, ticket) == NOT_SIGNED_IN
    assert await refusal(stack.realtime, ROOM, ticket) == NOT_SIGNED_IN


async def test_a_ticket_is_for_one_room(stack: Stack, alice: Person) -> None:
    """A ticket for another room is refused, and spent."""
    ticket = await alice.ticket("python")
    assert await refusal(stack.realtime, ROOM, ticket) == NOT_SIGNED_IN
    assert await refusal(stack.realtime, "python", ticket) == NOT_SIGNED_IN


@pytest.mark.parametrize("secret", ["x", "0" * 43, "a.b-c_d~e", "t" * 3000])
async def test_a_ticket_that_was_never_sold(stack: Stack, secret: str) -> None:
    """A made-up ticket is 4001: who shows a bad one is not made a guest."""
    assert await refusal(stack.realtime, ROOM, Entry(ticket=secret)) == NOT_SIGNED_IN


async def test_a_ticket_ends_with_its_token(stack: Stack, staff: Person) -> None:
    """A ticket bought with a token that is revoked meanwhile admits nobody."""
    async with newcomer(stack, staff, "leaver") as person:
        ticket = await person.ticket(ROOM)
        assert (await person.client.post("/api/logout/")).status_code == 200
        assert await refusal(stack.realtime, ROOM, ticket) == NOT_SIGNED_IN


async def test_signing_out_closes_the_socket(enter: OpenSocket, stack: Stack, staff: Person) -> None:
    """A socket does not outlive the credential that it was opened with: it is closed with 4001."""
    async with newcomer(stack, staff, "leaver") as person:
        async with enter(ROOM, await person.ticket(ROOM)) as socket:
            assert (await person.client.post("/api/logout/")).status_code == 200
            await socket.until_ended()
            assert socket.connection.close_code == NOT_SIGNED_IN


async def test_a_cookie_with_the_right_origin(enter: OpenSocket, stack: Stack, alice: Person) -> None:
    """A browser on the site's own pages is signed in by its session cookie."""
    async with enter(ROOM, Entry(cookie=alice.cookie, origin=stack.origin)) as socket:
        client_id = await socket.say(unique("cookie"))
        assert (await socket.expect(type="message", id=client_id))["username"] == alice.username


@pytest.mark.parametrize("origin", ["missing", "other", "scheme", "port", "suffix", "prefix", "null", "path"])
async def test_a_cookie_from_elsewhere(stack: Stack, alice: Person, origin: str) -> None:
    """A cookie without exactly the site's own Origin opens nothing: any page could send it."""
    scheme, host = stack.origin.split("://")
    bare = host.rpartition(":")[0] or host
    sent = {
        "missing": None,
        "other": "https://evil.example",
        "scheme": f"{'http' if scheme == 'https' else 'https'}://{host}",
        "port": f"{scheme}://{bare}:1",
        "suffix": f"{scheme}://{bare}.evil.example",
        "prefix": f"{scheme}://evil{host}",
        "null": "null",
        "path": f"{stack.origin}/",
    }[origin]
    assert await refusal(stack.realtime, ROOM, Entry(cookie=alice.cookie, origin=sent)) == REFUSED


async def test_a_guest_page_from_elsewhere(stack: Stack) -> None:
    """A browser on a foreign page is refused also where nobody is signed in."""
    assert await refusal(stack.realtime, ROOM, Entry(origin="https://evil.example")) == REFUSED


async def test_a_private_room_is_for_members(stack: Stack, alice: Person) -> None:
    """Somebody who is no member is closed with 4003."""
    entry = Entry(cookie=alice.cookie, origin=stack.origin)
    assert await refusal(stack.realtime, "staff", entry) == FORBIDDEN


async def test_a_member_enters_a_private_room(enter: OpenSocket, staff: Person) -> None:
    """A member talks there as anywhere."""
    async with enter("staff", await staff.ticket("staff")) as socket:
        client_id = await socket.say(unique("private"))
        await socket.expect(type="ack", id=client_id)


@pytest.mark.parametrize("room", ["a.b", "x" * 65, "r%C3%B6om", "%D9%A1", "lobby%0A"])
async def test_a_name_that_no_room_can_have(stack: Stack, room: str) -> None:
    """4004; every other name is a room in the demo, at the latest when it is opened."""
    assert await refusal(stack.realtime, room, Entry()) == NO_SUCH_ROOM


async def test_a_guest_in_a_public_room(enter: OpenSocket) -> None:
    """The demo admits guests to public rooms, to read and to write, under a name of their own."""
    async with enter(ROOM, Entry()) as socket:
        client_id = await socket.say(unique("guest"))
        frame = await socket.expect(type="message", id=client_id)
    assert re.fullmatch(r"guest-[0-9a-f]{4}", frame["username"])


async def test_a_guest_in_a_private_room(stack: Stack) -> None:
    """A guest who knocks at a private room is asked to sign in: 4001."""
    assert await refusal(stack.realtime, "staff", Entry()) == NOT_SIGNED_IN


async def test_a_dead_cookie_makes_a_guest(enter: OpenSocket, stack: Stack) -> None:
    """A session that is over is no session, as over HTTP: its holder is a guest."""
    async with enter(ROOM, Entry(cookie="sessionid=over", origin=stack.origin)) as socket:
        client_id = await socket.say(unique("over"))
        assert (await socket.expect(type="message", id=client_id))["username"].startswith("guest-")


@pytest.mark.parametrize("path", ["/ws/", "/ws/chat/", "/ws/chat/lobby", "/ws/chat/lobby/more/", "/ws/other/lobby/"])
async def test_an_unknown_path_opens_nothing(stack: Stack, path: str) -> None:
    """There is nothing but chat: the handshake fails."""
    with pytest.raises(InvalidStatus) as refused:
        async with connect(f"{stack.realtime}{path}"):
            pass
    assert refused.value.response.status_code in range(400, 500)
