"""The switchboard: /health, /faults and /counters."""

import json
from typing import NoReturn

from mock_upstream.counters import Counters
from mock_upstream.data import RESOURCES
from mock_upstream.errors import RequestError
from mock_upstream.exchange import Answer, Exchange, json_answer
from mock_upstream.fault_board import FaultBoard

MAX_BODY_BYTES = 64 * 1024

_HEALTH_PATHS = ("/health", "/health/live", "/health/ready")


def require_method(exchange: Exchange, *allowed: str) -> None:
    """Raises RequestError 405 with the methods that are allowed."""
    if exchange.method not in allowed:
        headers = ((b"allow", ", ".join(allowed).encode()),)
        raise RequestError(405, f"Method {exchange.method} is not allowed here", headers)


class Control:
    """Reads and changes what the endpoints do, and says what they saw."""

    def __init__(self, board: FaultBoard, counters: Counters) -> None:
        self._board = board
        self._counters = counters

    async def answer(self, exchange: Exchange, path: str) -> Answer:
        """Raises RequestError 400, 404, 405 or 413."""
        if path in _HEALTH_PATHS:
            require_method(exchange, "GET", "HEAD")
            return json_answer({"status": "ok"})
        if path == "/counters":
            return self._count(exchange)
        if path == "/faults":
            return await self._set_all(exchange)
        folder, _, endpoint = path.rpartition("/")
        if folder == "/faults" and endpoint in RESOURCES:
            return await self._set_one(exchange, endpoint)
        raise RequestError(404, "Not found")

    def _count(self, exchange: Exchange) -> Answer:
        require_method(exchange, "GET", "HEAD", "DELETE")
        if exchange.method == "DELETE":
            self._counters.reset()
        return json_answer(self._counters.as_json())

    async def _set_all(self, exchange: Exchange) -> Answer:
        require_method(exchange, "GET", "HEAD", "PUT", "DELETE")
        if exchange.method == "PUT":
            self._board.replace_all(await _read_json(exchange))
        elif exchange.method == "DELETE":
            self._board.reset()
        return json_answer(self._board.as_json())

    async def _set_one(self, exchange: Exchange, endpoint: str) -> Answer:
        require_method(exchange, "GET", "HEAD", "PUT", "DELETE")
        if exchange.method == "PUT":
            self._board.replace(endpoint, await _read_json(exchange))
        elif exchange.method == "DELETE":
            self._board.reset(endpoint)
        return json_answer(self._board.source(endpoint).settings.as_json())


async def _read_json(exchange: Exchange) -> object:
    body = await exchange.body(MAX_BODY_BYTES)
    try:
        value: object = json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        # RecursionError: a few kilobytes of "[" are enough to exhaust the parser.
        raise RequestError(400, "The body is not valid JSON") from error
    return value


def _refuse_constant(name: str) -> NoReturn:
    # Python reads NaN and Infinity, which are no JSON and pass no range check.
    raise ValueError(f"{name} is not JSON")
