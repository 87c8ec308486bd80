"""A reader of Server-Sent Events that records every event."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
from tests.e2e.recording import WITHIN, Recording, has


@dataclass(frozen=True, slots=True)
class Event:
    """One event; `id` is None where the server gave it none."""

    kind: str
    id: str | None
    data: dict[str, Any]


class EventStream(Recording[Event]):
    """An open stream; `items` are its events."""

    def __init__(self, name: str, response: httpx.Response) -> None:
        super().__init__(name)
        self.response = response

    async def read(self) -> None:
        """Record events until the stream ends."""
        reason = "the server ended it"
        try:
            async for event in parse(lines_of(self.response.aiter_bytes())):
                await self.add(event)
        except (httpx.HTTPError, ValueError) as error:
            reason = f"{type(error).__name__}: {error}"
        finally:
            await self.end(reason)

    async def expect(self, kind: str, within: float = WITHIN, **fields: Any) -> Event:
        """The first event of that kind, old or new, whose data have these fields."""
        matches = has(**fields)
        return await self.first(
            lambda event: event.kind == kind and matches(event.data), f"{kind} event with {fields}", within
        )

    @property
    def messages(self) -> list[Event]:
        """All messages so far."""
        return [event for event in self.items if event.kind == "message"]


async def lines_of(chunks: AsyncIterator[bytes]) -> AsyncIterator[str]:
    """The lines of a stream. Not `aiter_lines`, which also breaks at U+2028 and others that JSON leaves raw."""
    rest = b""
    async for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line.removesuffix(b"\r").decode()


async def parse(lines: AsyncIterator[str]) -> AsyncIterator[Event]:
    """Events by the rules of the HTML standard, as far as a server of JSON needs them; comments are skipped."""
    fields: dict[str, str] = {}
    data: list[str] = []
    async for line in lines:
        if line:
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if name == "data":
                data.append(value)
            elif name:
                fields[name] = value
            continue
        if data:
            yield Event(fields.get("event", "message"), fields.get("id"), json.loads("\n".join(data)))
        fields, data = {}, []


@contextlib.asynccontextmanager
async def open_events(
    client: httpx.AsyncClient, room: str, last_event_id: int | None = None
) -> AsyncIterator[EventStream]:
    """The stream of `room`, after `last_event_id` where there is one."""
    headers = {"Accept": "text/event-stream"}
    if last_event_id is not None:
        headers["Last-Event-ID"] = str(last_event_id)
    # Heartbeats come every few seconds, so a read that takes longer than this is a dead stream.
    timeout = httpx.Timeout(60)
    async with client.stream("GET", f"/api/rooms/{room}/events/", headers=headers, timeout=timeout) as response:
        if response.status_code != 200:
            body = (await response.aread()).decode()
            raise AssertionError(f"the stream of {room} answered {response.status_code}: {body}")
        stream = EventStream(f"events of {room}", response)
        reading = asyncio.create_task(stream.read())
        try:
            yield stream
        finally:
            reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reading
