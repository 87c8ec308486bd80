"""Who takes part: users made for the run, each with a token, a session cookie, and tickets on demand."""

import asyncio
import uuid
from dataclasses import dataclass, field

import aiohttp

# What says that a membership is as it was asked to be.
DONE = frozenset({200, 201})
PASSWORD = "correct horse battery 7"
_TIMEOUT = aiohttp.ClientTimeout(total=6)
# Before anything is tested: a busy machine takes its time for a dozen new passwords.
_PREPARATION = aiohttp.ClientTimeout(total=60)


@dataclass(slots=True, kw_only=True)
class Person:
    """Somebody with an account; `origin` is what their browser would send beside the cookie."""

    username: str
    token: str = field(repr=False)
    cookie: str = field(repr=False)
    origin: str

    @property
    def bearer(self) -> dict[str, str]:
        """The header that says who they are."""
        return {"Authorization": f"Bearer {self.token}"}


class Office:
    """Makes people and hands out tickets; `api` is where it asks."""

    def __init__(self, session: aiohttp.ClientSession, api: str, origin: str) -> None:
        self.api = api
        self._session = session
        self._origin = origin

    async def sign_in(self, username: str, password: str) -> Person:
        """Somebody who exists. Raises `aiohttp.ClientError`."""
        body = {"username": username, "password": password}
        async with self._session.post(f"{self.api}/api/login/", json=body, timeout=_PREPARATION) as answer:
            answer.raise_for_status()
            cookie = "; ".join(f"{name}={morsel.value}" for name, morsel in answer.cookies.items())
            token = (await answer.json())["token"]
        return Person(username=username, token=token, cookie=cookie, origin=self._origin)

    async def hire(self, staff: Person, count: int) -> list[Person]:
        """New people, made by staff: registrations are limited by address."""
        return list(await asyncio.gather(*(self._newcomer(staff) for _ in range(count))))

    async def _newcomer(self, staff: Person) -> Person:
        name = f"chaos_{uuid.uuid4().hex[:12]}"
        body = {"username": name, "password": PASSWORD, "email": f"{name}@example.org"}
        url = f"{self.api}/api/users/"
        async with self._session.post(url, json=body, headers=staff.bearer, timeout=_PREPARATION) as answer:
            answer.raise_for_status()
        return await self.sign_in(name, PASSWORD)

    async def ticket(self, person: Person, room: str) -> str:
        """A ticket for one socket. Raises `aiohttp.ClientError` or `TimeoutError`."""
        url = f"{self.api}/api/ws-ticket/"
        async with self._session.post(url, json={"room": room}, headers=person.bearer, timeout=_TIMEOUT) as answer:
            answer.raise_for_status()
            return str((await answer.json())["ticket"])

    async def set_member(self, staff: Person, room: str, username: str, *, member: bool) -> int:
        """Takes or gives a membership; returns the HTTP status, 503 where nobody answered."""
        url = f"{self.api}/api/rooms/{room}/members/{username}/"
        method = "PUT" if member else "DELETE"
        try:
            async with self._session.request(method, url, headers=staff.bearer, timeout=_TIMEOUT) as answer:
                return answer.status
        except (aiohttp.ClientError, TimeoutError):
            return 503
