"""GET /users, /products, /orders: the rows, or whatever the endpoint's faults make of them."""

from urllib.parse import parse_qs

from mock_upstream.counters import Tally
from mock_upstream.data import DEFAULT_LIMIT, TOTAL
from mock_upstream.errors import InvalidFieldError
from mock_upstream.exchange import Exchange, Patience, json_answer
from mock_upstream.faults import Drip, FaultSource, Outcome

# Fine enough for a steady trickle, coarse enough not to be a busy loop at high rates.
_DRIPS_PER_SECOND = 20


def read_limit(query: bytes) -> int:
    """`?limit=`, 1 to 300, by default 10; other parameters are ignored. Raises InvalidFieldError."""
    if not query:
        return DEFAULT_LIMIT
    given = parse_qs(query.decode("latin-1"), keep_blank_values=True).get("limit", [str(DEFAULT_LIMIT)])
    text = given[0]
    # int() would also take "+1", "1_0" and digits of other scripts.
    if len(given) == 1 and text.isascii() and text.isdigit() and len(text) <= 9 and 1 <= int(text) <= TOTAL:
        return int(text)
    raise InvalidFieldError(f"limit must be an integer from 1 to {TOTAL}")


async def serve(exchange: Exchange, body: bytes, faults: FaultSource, tally: Tally) -> None:
    """Answer with `body`, or as the next fate says. Raises ClientDisconnectError."""
    if faults.quiet:
        tally.status(200)
        await exchange.start(200, len(body))
        await exchange.write(body, more=False)
        return
    fate = faults.draw()
    if fate.outcome is not Outcome.ANSWER:
        tally.fault(fate.outcome)
    with exchange.waiting() as patience:
        if fate.outcome is Outcome.HANG:
            await patience.wait(None)
        elif fate.delay_s > 0:
            tally.fault("latency")
            await patience.wait(fate.delay_s)
        if fate.outcome is Outcome.ANSWER:
            await _answer(exchange, body, faults.settings.drip, patience, tally)
    if fate.outcome is not Outcome.ANSWER:
        await _fail(exchange, fate.outcome, body, faults.settings.error_status, tally)


async def _answer(exchange: Exchange, body: bytes, drip: Drip | None, patience: Patience, tally: Tally) -> None:
    tally.status(200)
    await exchange.start(200, len(body))
    if drip is None or exchange.method == "HEAD":
        await exchange.write(body, more=False)
        return
    tally.fault("drip")
    step = max(1, drip.bytes_per_second // _DRIPS_PER_SECOND)
    for start in range(0, len(body), step):
        if start:
            await patience.wait(step / drip.bytes_per_second)
        await exchange.write(body[start : start + step], more=start + step < len(body))


async def _fail(exchange: Exchange, outcome: Outcome, body: bytes, error_status: int, tally: Tally) -> None:
    if outcome is Outcome.ERROR:
        tally.status(error_status)
        await exchange.answer(json_answer({"error": "Injected fault"}, error_status))
        return
    if outcome is Outcome.RESET:
        exchange.connection.abort()
    else:
        if outcome is Outcome.TRUNCATE:
            tally.status(200)
            await exchange.start(200, len(body))
            await exchange.write(body[: len(body) // 2], more=True)
        exchange.connection.close()
    # uvicorn takes a return without an answer for a bug, unless the connection is gone by then.
    await exchange.departed()
