"""Browsers with a session each: what a rotation of the signing key must not end."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import aiohttp
from tests.kubernetes.stack import API_URL

_PAUSE = 0.5
_TIMEOUT = aiohttp.ClientTimeout(total=20)


@dataclass(slots=True)
class Sessions:
    """`asked`: requests that were answered; `signed_out`: what was answered to a session that had ended."""

    asked: int = 0
    signed_out: list[str] = field(default_factory=list)


@contextlib.asynccontextmanager
async def sessions(count: int, *, at_once: int) -> AsyncIterator[Sessions]:
    """`count` browsers, each with `at_once` requests under way."""
    found = Sessions()
    async with contextlib.AsyncExitStack() as stack:
        jars = [
            await stack.enter_async_context(aiohttp.ClientSession(API_URL, timeout=_TIMEOUT, cookie_jar=_jar()))
            for _ in range(count)
        ]
        for browser in jars:
            body = {"username": "alan", "password": "millrace-alan"}
            async with browser.post("/api/login/", json=body, headers={"Origin": API_URL}) as answer:
                answer.raise_for_status()
            assert len(browser.cookie_jar) > 0
        asking = [asyncio.create_task(_browse(browser, found, at_once)) for browser in jars]
        try:
            yield found
        finally:
            for task in asking:
                task.cancel()
            await asyncio.gather(*asking, return_exceptions=True)


def _jar() -> aiohttp.CookieJar:
    # Also of addresses without a name.
    return aiohttp.CookieJar(unsafe=True)


async def _browse(browser: aiohttp.ClientSession, found: Sessions, at_once: int) -> None:
    while True:
        await asyncio.gather(*(_me(browser, found) for _ in range(at_once)))
        await asyncio.sleep(_PAUSE)


async def _me(browser: aiohttp.ClientSession, found: Sessions) -> None:
    async with browser.get("/api/me/") as answer:
        found.asked += 1
        user = (await answer.json()).get("username") if answer.status == 200 else None
        if user != "alan":
            found.signed_out.append(f"{answer.status}, {user}")
