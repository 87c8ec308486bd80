"""The limit of W2: a plain ASGI callable on asyncpg's pool, hand-written SQL, msgspec."""

import os
from typing import Any

import asyncpg
import msgspec

ONE = "SELECT id, name, price, active, created_at FROM bench_item WHERE id = $1"
PAGE = "SELECT id, name, price, active, created_at FROM bench_item ORDER BY id LIMIT 20 OFFSET $1"
COUNT = "SELECT count(*) FROM bench_item"
INSERT = (
    "INSERT INTO bench_entry (name, price, active, created_at) VALUES ($1, $2, true, now()) "
    "RETURNING id, name, price, active, created_at"
)
_encode = msgspec.json.Encoder().encode


class ItemIn(msgspec.Struct):
    """A new row."""

    name: str
    price: int


class _Pool:
    instance: Any = None


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Any of the four."""
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
        return
    message = await receive()
    async with _Pool.instance.acquire() as connection:
        status, payload = await _answer(connection, scope, message.get("body", b""))
    body = _encode(payload)
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _lifespan(receive: Any, send: Any) -> None:
    await receive()
    async with asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=8, max_size=8) as _Pool.instance:
        await send({"type": "lifespan.startup.complete"})
        await receive()
    await send({"type": "lifespan.shutdown.complete"})


async def _answer(connection: Any, scope: Any, body: bytes) -> tuple[int, Any]:
    if scope["method"] == "POST":
        item = msgspec.json.decode(body, type=ItemIn)
        return 201, dict(await connection.fetchrow(INSERT, item.name, item.price))
    argument = int(scope["query_string"].rpartition(b"=")[2] or 1)
    match scope["path"]:
        case "/rows/":
            total = await connection.fetchval(COUNT)
            rows = await connection.fetch(PAGE, (argument - 1) * 20)
            return 200, {"rows": [dict(row) for row in rows], "total": total}
        case "/rows/singles/":
            found = [await connection.fetchrow(ONE, number) for number in range(argument, argument + 20)]
            return 200, {"rows": [dict(row) for row in found]}
        case path:
            return 200, dict(await connection.fetchrow(ONE, int(path.split("/")[2])))
