"""Posting as a client should: again with the same id until the outcome is known; and as some do: given up."""

import asyncio
import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass

import aiohttp
from tests.chaos.history import checksum
from tests.chaos.member import Member
from tests.chaos.websocket import WebSocketMember

_TIMEOUT = 6.0
_HTTP_TIMEOUT = aiohttp.ClientTimeout(total=_TIMEOUT)
_AT_ONCE = 12
# Said before anything was done, or where it may have been: only a repetition tells.
_REPEAT = {"cut", "timeout", "unavailable", "too_fast", "internal", "http 0", "http 429", "http 500", "http 503"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How a client posts. `rate`: messages a second; the others are chances."""

    rate: float
    by_http: float = 0.2
    gives_up: float = 0.15


class Poster:
    """Posts for one client, by its own socket or over HTTP; `manner`: how long and how fast in its room just now."""

    def __init__(
        self,
        member: Member,
        habits: Habits,
        session: aiohttp.ClientSession,
        api: str,
        manner: Callable[[str], tuple[int, float]],
    ) -> None:
        self.outstanding: set[asyncio.Task[None]] = set()
        self._member = member
        self._habits = habits
        self._session = session
        self._api = api
        self._manner = manner
        self._rng = random.Random(member.rng.random())
        self._count = 0
        self._stopped = False

    def stop(self) -> None:
        """Post nothing new; what is under way goes on."""
        self._stopped = True

    async def run(self) -> None:
        """Post at random intervals until cancelled; what is under way goes on."""
        await self._member.online.wait()
        while True:
            rate = self._habits.rate * self._manner(self._member.room)[1]
            await asyncio.sleep(min(self._rng.expovariate(rate), 5 / rate))
            if self._stopped:
                return
            if len(self.outstanding) < _AT_ONCE and not self._member.shut_out:
                task = asyncio.create_task(self._post())
                self.outstanding.add(task)
                task.add_done_callback(self.outstanding.discard)

    async def _post(self) -> None:
        self._count += 1
        member, client_id = self._member, str(uuid.uuid4())
        text = f"{member.name} {self._count} " + "." * self._manner(self._member.room)[0]
        gives_up = self._rng.random() < self._habits.gives_up
        pause = 0.2
        while True:
            # Another socket of a guest is another guest, who would store the same message once more.
            conn = member.conn
            outcome = await self._attempt(client_id, text)
            if not outcome:
                return
            member.record("unknown", id=client_id, why=outcome)
            if outcome not in _REPEAT or gives_up or (member.person is None and member.conn != conn):
                break
            await asyncio.sleep(self._rng.uniform(0, pause))
            pause = min(pause * 2, 2.0)
            if member.person is None and (member.conn != conn or not member.online.is_set()):
                break
        member.record("given_up", id=client_id)

    async def _attempt(self, client_id: str, text: str) -> str:
        member, checked = self._member, checksum(text)
        by_http = member.person is not None and self._rng.random() < self._habits.by_http
        if isinstance(member, WebSocketMember) and not by_http:
            return await member.post(client_id, text, checked, _TIMEOUT)
        return await self._over_http(client_id, text, checked)

    async def _over_http(self, client_id: str, text: str, checked: str) -> str:
        member = self._member
        if member.person is None:
            return "http 401"
        member.record("send", id=client_id, via="http", sum=checked)
        url = f"{self._api}/api/rooms/{member.room}/messages/"
        body = {"message": text, "id": client_id}
        try:
            async with self._session.post(
                url, json=body, headers=member.person.bearer, timeout=_HTTP_TIMEOUT
            ) as answer:
                if answer.status in {200, 201}:
                    member.record("ack", id=client_id, seq=(await answer.json())["seq"])
                    return ""
                member.record("error", id=client_id, why=f"http {answer.status}")
                return f"http {answer.status}"
        except TimeoutError:
            return "timeout"
        except (aiohttp.ClientError, OSError):
            return "cut"
