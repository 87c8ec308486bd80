"""`/asyncapi.json` says what goes over the wire."""

import copy
import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any, get_args

import httpx
import pytest
from jsonschema_rs import Draft7Validator
from msgspec import Struct

from accounts.models import User
from async_handler.types import ASGIApplication
from chassis.handler import Handler
from realtime import asyncapi, frames
from realtime.close_codes import CloseCode
from rooms import events
from rooms.access import RoomAccess
from testing.people import ticket

from .asyncapi_schema import DOCUMENT
from .conftest import Connect, cookie
from .test_protocol_document import RECEIVED, SENT, tag

SPECIFICATION = Draft7Validator(DOCUMENT)
MADE = asyncapi.document()


def payload(name: str, *, closed: bool) -> Draft7Validator:
    """Validates a message's payload; where it is `closed`, a field that the document does not name is an error."""
    document = copy.deepcopy(MADE)
    if closed:
        for schema in document["components"]["schemas"].values():
            schema["additionalProperties"] = False
    schema = {**document, **document["components"]["messages"][name]["payload"]}
    # Draft 7, which is what AsyncAPI's schemas are by default, does not know this format yet.
    return Draft7Validator(schema, validate_formats=True, formats={"uuid": is_uuid})


def is_uuid(text: str) -> bool:
    """True for a UUID as the service writes it."""
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


def by_type(operation: str, *, closed: bool = True) -> dict[str, Draft7Validator]:
    """A validator for each `type` of an operation's messages."""
    listed = [ref["$ref"].rpartition("/")[2] for ref in MADE["operations"][operation]["messages"]]
    return {MADE["components"]["messages"][name]["name"]: payload(name, closed=closed) for name in listed}


def references(value: Any) -> Iterator[str]:
    """Every `$ref` in the document."""
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def test_specification() -> None:
    """The document is one of AsyncAPI 3.0."""
    SPECIFICATION.validate(MADE)


@pytest.mark.parametrize(
    "damage",
    [
        lambda document: document.pop("info"),
        lambda document: document.update(asyncapi="2.6.0"),
        lambda document: document["operations"]["send"].update(action="publish"),
        lambda document: document["channels"]["room"].update(subscribe={}),
        lambda document: document["components"]["messages"]["Ack"].pop("payload"),
    ],
    ids=["info", "version", "action", "field", "payload"],
)
def test_specification_finds(damage: Callable[[dict[str, Any]], object]) -> None:
    """A document that is not is found out."""
    document = copy.deepcopy(MADE)
    damage(document)
    assert not SPECIFICATION.is_valid(document)


def test_references_lead_somewhere() -> None:
    """Every reference is to something in the document."""
    found = set(references(MADE))
    assert len(found) > 30
    for reference in found:
        place: Any = MADE
        for key in reference.removeprefix("#/").split("/"):
            place = place[key]
        assert place


def test_everything_is_in_it() -> None:
    """It has every frame of both sides, and every close code."""
    channel = MADE["channels"]["room"]
    kinds: tuple[type[Struct], ...] = (*get_args(frames.ClientFrame), *get_args(frames.ServerFrame))
    assert set(channel["messages"]) == {kind.__name__ for kind in kinds}
    assert set(by_type("send")) == {tag(kind) for kind in get_args(frames.ServerFrame)}
    assert [entry["code"] for entry in channel["x-close-codes"]] == list(CloseCode)


async def test_served(make_client: Callable[[ASGIApplication], httpx.AsyncClient]) -> None:
    """The service serves what is committed as docs/asyncapi.json."""
    async with make_client(Handler()) as client:
        response = await client.get("/asyncapi.json")
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    assert response.text == asyncapi.text()
    assert response.json() == MADE


@pytest.mark.parametrize("frame", SENT, ids=json.dumps)
def test_documented_client_frames(frame: dict[str, Any]) -> None:
    """What docs/protocol.md has a client send is valid."""
    by_type("receive")[frame.get("type", "message")].validate(frame)


@pytest.mark.parametrize("frame", RECEIVED, ids=lambda frame: frame["type"])
def test_documented_server_frames(frame: dict[str, Any]) -> None:
    """What docs/protocol.md has the service send is valid."""
    by_type("send")[frame["type"]].validate(frame)


@pytest.mark.parametrize("frame", [{"type": "message"}, {"message": 1}, {"message": "hi", "id": "x"}, {"type": "auth"}])
def test_frames_that_are_refused(frame: dict[str, Any]) -> None:
    """What the service refuses as malformed is not valid; fields that it ignores are."""
    validators = by_type("receive", closed=False)
    assert not validators[frame.get("type", "message")].is_valid(frame)
    assert validators["ping"].is_valid({"type": "ping", "unknown": "field"})


async def test_live_frames(connect: Connect, room: RoomAccess, ada: User) -> None:
    """Every kind of frame that comes over a socket has exactly the fields, of the types, that the document says."""
    watcher = await connect(room.name, f"since=7&epoch={uuid.uuid4()}", **await cookie(ada))
    seen = await watcher.until("user_join")
    guest = await connect(room.name, subprotocols=("millrace.v1",))
    seen += await guest.until("presence")
    await guest.send(type="typing")
    seen += await watcher.until("typing")
    await guest.send(message="hi", id=str(uuid.uuid4()))
    seen += await guest.until("ack") + await watcher.until("message")
    await watcher.send(type="ping")
    await watcher.send(message="", id=str(uuid.uuid4()))
    await watcher.send(type="nonsense")
    seen += await watcher.until("pong") + await watcher.until("error") + await watcher.until("error")
    await events.notify(room.name, "tea")
    seen += await watcher.until("notice")
    tab = await connect(room.name, subprotocols=("millrace.v1", f"ticket.{await ticket(ada, room)}"))
    seen += await tab.until("synced")
    await guest.leave()
    seen += await watcher.until("user_leave")
    validators = by_type("send")
    for frame in seen:
        validators[frame["type"]].validate(frame)
    assert {frame["type"] for frame in seen} == set(validators)
