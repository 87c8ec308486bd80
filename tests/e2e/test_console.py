"""The console's view of the stack: every process is asked, and a message's way is traced."""

import asyncio
import time
import uuid
from typing import Any

import httpx
from tests.e2e.conftest import OpenSocket
from tests.e2e.people import Person
from tests.e2e.sockets import Entry

PATIENCE = 15.0


async def state(client: httpx.AsyncClient) -> dict[str, Any]:
    """A snapshot."""
    answer = await client.get("/system/state/")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


async def test_every_process_answers(anyone: httpx.AsyncClient) -> None:
    """At least one api and two realtime processes are there with their figures, and so is what they depend on."""
    snapshot = await state(anyone)
    kinds = [process["kind"] for process in snapshot["processes"] if process["figures"]]
    assert kinds.count("api") >= 1
    assert kinds.count("realtime") >= 2
    assert {one["name"]: one["ok"] for one in snapshot["dependencies"]} == {
        "postgresql": True, "redis": True, "upstream": True,
    }  # fmt: skip


async def test_sockets_are_counted(anyone: httpx.AsyncClient, enter: OpenSocket) -> None:
    """A socket more is one more in the figures of some realtime process."""

    async def sockets() -> float:
        processes = (await state(anyone))["processes"]
        return float(sum((process["figures"] or {}).get("sockets", 0) for process in processes))

    async with enter("lobby", Entry()):
        deadline = time.monotonic() + PATIENCE
        while await sockets() < 1:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.2)


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
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        for delivery in (await state(client))["deliveries"]:
            trace: dict[str, Any] = delivery["trace"]
            if (trace["room"], trace["seq"]) == ("lobby", seq):
                return trace
        await asyncio.sleep(0.2)
    raise AssertionError(f"no trace of message {seq}")
