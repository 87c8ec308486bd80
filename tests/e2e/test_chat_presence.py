"""Who is here: coming, going, several tabs, typing."""

from tests.e2e.conftest import OpenSocket
from tests.e2e.people import NewPerson, Person
from tests.e2e.recording import poll
from tests.e2e.sockets import ChatSocket, Entry

ROOM = "python"


async def test_coming_and_going_is_told(
    enter_first: OpenSocket, enter_second: OpenSocket, new_person: NewPerson
) -> None:
    """Others, on another process too, see `user_join` and then `user_leave` with the name."""
    person = await new_person("visitor")
    async with enter_first(ROOM, Entry()) as near, enter_second(ROOM, Entry()) as far:
        async with enter_second(ROOM, await person.ticket(ROOM)):
            for watcher in (near, far):
                await watcher.expect(type="user_join", username=person.username)
        for watcher in (near, far):
            await watcher.expect(type="user_leave", username=person.username)


async def test_a_new_socket_is_told_who_is_here(
    enter_first: OpenSocket, enter_second: OpenSocket, new_person: NewPerson
) -> None:
    """`presence` names those who came before, with the number of their sockets, and counts people, not sockets."""
    person = await new_person("present")
    async with enter_first(ROOM, await person.ticket(ROOM)) as first:
        await first.expect(type="presence")
        async with enter_second(ROOM, await person.ticket(ROOM)) as second:
            presence = await second.expect(type="presence")
    assert {"username": person.username, "connections": 2} in presence["users"]
    assert presence["count"] >= len({user["username"] for user in presence["users"]})


async def _connections(enter: OpenSocket, username: str) -> int:
    async with enter(ROOM, Entry()) as asking:
        presence = await asking.expect(type="presence")
    return next((user["connections"] for user in presence["users"] if user["username"] == username), 0)


async def _until_connections(enter: OpenSocket, username: str, wanted: int) -> None:
    async def ask() -> bool | None:
        return await _connections(enter, username) == wanted or None

    await poll(ask, f"presence of {username} with {wanted} sockets")


def _leaves(watcher: ChatSocket, username: str) -> int:
    return len([frame for frame in watcher.of("user_leave") if frame["username"] == username])


async def test_only_the_last_tab_leaves(
    enter_first: OpenSocket, enter_second: OpenSocket, new_person: NewPerson
) -> None:
    """Somebody with a tab on each process comes once and goes once: when the second one closes."""
    person = await new_person("tabs")
    async with enter_first(ROOM, Entry()) as watcher:
        async with enter_second(ROOM, await person.ticket(ROOM)):
            await watcher.expect(type="user_join", username=person.username)
            async with enter_first(ROOM, await person.ticket(ROOM)) as other:
                await other.expect(type="presence")
            await _until_connections(enter_first, person.username, 1)
            assert _leaves(watcher, person.username) == 0
        await watcher.expect(type="user_leave", username=person.username)
        await watcher.answer()
        joins = [frame for frame in watcher.of("user_join") if frame["username"] == person.username]
        assert (len(joins), _leaves(watcher, person.username)) == (1, 1)


async def test_typing_is_told_to_others(
    enter_first: OpenSocket, enter_second: OpenSocket, alice: Person, bob: Person
) -> None:
    """`typing` comes to others with the name, and not back to who types."""
    async with enter_first(ROOM, await alice.ticket(ROOM)) as hers, enter_second(ROOM, await bob.ticket(ROOM)) as his:
        await hers.send({"type": "typing"})
        assert await his.expect(type="typing") == {"type": "typing", "username": alice.username}
        # What she hears after his answer was published after her own typing.
        client_id = await his.say("I see you typing")
        await hers.expect(type="message", id=client_id)
        assert not [frame for frame in hers.of("typing") if frame["username"] == alice.username]
