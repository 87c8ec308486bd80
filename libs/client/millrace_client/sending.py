"""Sends what the outbox holds over one connection, at the server's pace."""

import asyncio
import logging

from websockets.asyncio.client import ClientConnection

from millrace_client.outbox import Outbox, Pending
from millrace_client.pacing import Backoff, Pace

logger = logging.getLogger("millrace_client")


async def send_all(connection: ClientConnection, outbox: Outbox, pace: Pace, backoff: Backoff, patience: float) -> None:
    """Send one message after the other, without end; raises `TimeoutError` where one has no answer for `patience` s.

    One at a time, because with several on their way a refused one would be overtaken by the next. It costs no
    throughput worth having: the server takes ten a second, which a round trip of 100 ms still allows.
    """
    while True:
        pending = await outbox.oldest()
        while wait := pace.take():  # noqa: ASYNC110 - nobody could set an event: it is time that passes
            await asyncio.sleep(wait)
        # It may have been taken back meanwhile.
        if pending not in outbox:
            continue
        async with asyncio.timeout(patience):
            await _send(connection, outbox, pending)
        if pending not in outbox:
            backoff.reset()
            continue
        logger.info("%s: message %s is sent again", outbox.refusal, pending.id)
        if outbox.refusal == "too_fast":
            pace.drain()
        await asyncio.sleep(backoff.delay())


async def _send(connection: ClientConnection, outbox: Outbox, pending: Pending) -> None:
    outbox.answered.clear()
    outbox.on_its_way = pending
    pending.tries += 1
    await connection.send(pending.frame)
    await outbox.answered.wait()
