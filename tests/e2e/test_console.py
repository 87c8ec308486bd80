"""The console's view of the stack: every process is asked, and a message's way is traced."""

import uuid
from typing import Any

import httpx
from tests.e2e.conftest import OpenSocket
from tests.e2e.people import Person
from tests.e2e.recording import poll
from tests.e2e.sockets import Entry


async def state(client: httpx.AsyncClient) -> dict[str, Any]:
    """A snapshot."""
    answer = await client.get("/system/state/")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


async def test_every_process_answers(anyone: httpx.AsyncClient) -> None:
    """At least one api and two realtime processes are there with their figures, and so is what they depend on."""

    async def all_there() -> bool | None:
        # One that did not answer in time, as may happen on a slow machine, has no figures in a snapshot.
        snapshot = await state(anyone)
        kinds = [process["kind"] for process in snapshot["processes"] if process["figures"]]
        well = {one["name"] for one in snapshot["dependencies"] if one["ok"]}
        enough = kinds.count("api") >= 1 and kinds.count("realtime") >= 2
        return (enough and well == {"postgresql", "redis", "upstream"}) or None

    await poll(all_there, "every process and dependency")


async def test_sockets_are_counted(anyone: httpx.AsyncClient, enter: OpenSocket) -> None:
    """A socket more is one more in the figures of some realtime process."""

    async def counted() -> bool | None:
        processes = (await state(anyone))["processes"]
        return sum((process["figures"] or {}).get("sockets", 0) for process in processes) >= 1 or None

    async with enter("lobby", Entry()):
        await poll(counted, "a socket in the figures")


async def test_a_message_is_traced(staff: Person, enter: OpenSocket) -> None:
    """Each step of a message's way comes after the one before."""
    async with enter("lobby", Entry()) as socket:
        await socket.expect(type="synced")
        body = {"message": "traced", "id": str(uuid.uuid4())}
        posted = await staff.client.post("/api/rooms/lobby/messages/", json=body)
        trace = await _trace(staff.client, posted.json()["seq"])
    origin = trace["origin"]
    assert (trace["way"], origin["by"].startswith("api"), trace["members"] >= 1) == ("redis", True, True)
    assert origin["started"] <= origin["stored"] <= trace["heard"] <= trace["delivered"]


async def _trace(client: httpx.AsyncClient, seq: int) -> dict[str, Any]:
    async def find() -> dict[str, Any] | None:
        traces = (delivery["trace"] for delivery in (await state(client))["deliveries"])
        return next((trace for trace in traces if (trace["room"], trace["seq"]) == ("lobby", seq)), None)

    return await poll(find, f"trace of message {seq}")
