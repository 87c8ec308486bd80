"""The ASGI application: routes a request, and turns every refusal into `{"error": "..."}` with its status."""

from mock_upstream.asgi import Receive, Scope, Send
from mock_upstream.control import Control, require_method
from mock_upstream.counters import Counters
from mock_upstream.data import RESOURCES, page
from mock_upstream.errors import ClientDisconnectError, RequestError
from mock_upstream.exchange import Exchange, json_answer
from mock_upstream.fault_board import FaultBoard
from mock_upstream.resources import read_limit, serve

_ENDPOINTS = {f"/{name}": name for name in RESOURCES}


class Upstream:
    """One upstream with its own fault settings and counters."""

    def __init__(self) -> None:
        self.faults = FaultBoard()
        self.counters = Counters()
        self._control = Control(self.faults, self.counters)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise ValueError(f"This application speaks HTTP, not {scope['type']}")
        exchange = Exchange(scope, receive, send)
        path = exchange.path.removesuffix("/")
        endpoint = _ENDPOINTS.get(path)
        if endpoint is None:
            await self._switch(exchange, path)
        else:
            await self._rows(exchange, endpoint)

    async def _rows(self, exchange: Exchange, endpoint: str) -> None:
        with self.counters.request(endpoint, exchange.connection) as tally:
            try:
                require_method(exchange, "GET", "HEAD")
                body = page(endpoint, read_limit(exchange.query))
                await serve(exchange, body, self.faults.source(endpoint), tally)
            except RequestError as error:
                tally.status(error.status)
                await _refuse(exchange, error)
            except ClientDisconnectError:
                tally.client_disconnected()

    async def _switch(self, exchange: Exchange, path: str) -> None:
        try:
            await exchange.answer(await self._control.answer(exchange, path))
        except RequestError as error:
            await _refuse(exchange, error)
        except ClientDisconnectError:
            return


async def _refuse(exchange: Exchange, error: RequestError) -> None:
    await exchange.answer(json_answer({"error": error.message}, error.status, error.headers))
