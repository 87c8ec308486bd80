"""How much one user may post, by whatever way."""

import asyncio

import pytest
from tests.e2e.conftest import OpenSocket
from tests.e2e.people import NewPerson
from tests.e2e.sockets import ChatSocket

ROOM = "lobby"
AT_ONCE, MOST, TRIES = 25, 1000, 15


async def test_a_flood_is_refused_everywhere(enter: OpenSocket, new_person: NewPerson) -> None:
    """Whoever posts too much over HTTP is told to wait, and may not go on over a socket in the same room meanwhile."""
    person = await new_person("flooder")

    async def post(text: str) -> tuple[int, int]:
        answer = await person.client.post(f"/api/rooms/{ROOM}/messages/", json={"message": text})
        return answer.status_code, int(answer.headers.get("Retry-After", 0))

    async with enter(ROOM, await person.ticket(ROOM)) as socket:
        seen: list[tuple[int, int]] = []
        while len(seen) < MOST and all(status == 201 for status, _ in seen):
            seen += await asyncio.gather(*(post(f"flood {number}") for number in range(AT_ONCE)))
        assert {status for status, _ in seen} == {201, 429}
        assert all(retry >= 1 for status, retry in seen if status == 429)

        async def flood() -> None:
            while True:
                await post("flood")

        async with asyncio.TaskGroup() as tasks:
            flooding = [tasks.create_task(flood()) for _ in range(4)]
            # Fewer than the socket itself may send at once: what refuses it is the user's limit.
            for _ in range(TRIES):
                if await _refused(socket):
                    break
                await asyncio.gather(*(post("flood") for _ in range(AT_ONCE)))
            else:
                pytest.fail("the socket may go on")
            for task in flooding:
                task.cancel()
        await socket.answer()


async def _refused(socket: ChatSocket) -> bool:
    client_id = await socket.say("may I?")
    frame = await socket.until(
        "ack or error",
        lambda items: next((f for f in items if f.get("id") == client_id and f["type"] in {"ack", "error"}), None),
    )
    return frame.get("code") == "too_fast"
