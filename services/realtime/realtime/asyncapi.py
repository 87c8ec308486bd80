"""The WebSocket protocol as an AsyncAPI 3.0 document, made from the types that the service decodes and encodes."""

from collections.abc import Iterable
from functools import cache
from typing import Any, get_args

import msgspec
from django.http import HttpRequest, HttpResponse

from chassis.methods import READ, only
from realtime import authentication, frames
from realtime.close_codes import CloseCode
from rooms import names

CLIENT: tuple[type[msgspec.Struct], ...] = get_args(frames.ClientFrame)
SERVER: tuple[type[msgspec.Struct], ...] = get_args(frames.ServerFrame)
VERSION = "1.0.0"

_DESCRIPTION = (
    "Frames are text, one JSON object each. Unknown fields are ignored on both sides, and so are frames of an unknown"
    " `type` from the server. docs/protocol.md says when which frame comes, and how to resume."
)
_TICKET = (
    f"As subprotocols `{authentication.SUBPROTOCOL}, ticket.<secret>`; the server selects"
    f" `{authentication.SUBPROTOCOL}`. With `auth=ticket` in the query an `auth` frame brings it instead."
)
_QUERY = {
    "type": "object",
    "properties": {
        "since": {"type": "integer", "minimum": 0, "description": "Resume after this message; needs `epoch`."},
        "epoch": {"type": "string", "format": "uuid", "description": "As `synced` named it."},
        "auth": {"type": "string", "enum": ["ticket"], "description": "The first frame is an `auth` frame."},
    },
}


def document() -> dict[str, Any]:
    """The document, as JSON values."""
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Millrace chat", "version": VERSION, "description": _DESCRIPTION, "license": {"name": "MIT"}},
        "defaultContentType": "application/json",
        "servers": {"realtime": _server()},
        "channels": {"room": _channel()},
        "operations": {
            "receive": _operation("receive", "What a client sends.", CLIENT),
            "send": _operation("send", "What a client is sent.", SERVER),
        },
        "components": {
            "messages": {kind.__name__: _message(kind) for kind in (*CLIENT, *SERVER)},
            "schemas": _schemas(),
            "securitySchemes": {
                "session": {
                    "type": "httpApiKey",
                    "name": "sessionid",
                    "in": "cookie",
                    "description": "With an allowed Origin.",
                },
                "ticket": {
                    "type": "httpApiKey",
                    "name": "Sec-WebSocket-Protocol",
                    "in": "header",
                    "description": _TICKET,
                },
            },
        },
    }


def text() -> str:
    """The document as it is written to docs/asyncapi.json."""
    return msgspec.json.format(msgspec.json.encode(document()), indent=2).decode() + "\n"


def _server() -> dict[str, Any]:
    return {
        "host": "{host}",
        "protocol": "ws",
        "description": "`wss` behind TLS. Without credentials the client is a guest, where guests are admitted.",
        "variables": {"host": {"default": "127.0.0.1:8001", "description": "Where the service is."}},
        "security": [{"$ref": f"#/components/securitySchemes/{name}"} for name in ("session", "ticket")],
    }


def _channel() -> dict[str, Any]:
    return {
        "address": "/ws/chat/{room}/",
        "title": "A room",
        "parameters": {"room": {"description": f"The room's name, `{names.PATTERN}`.", "examples": ["lobby"]}},
        "messages": {kind.__name__: {"$ref": f"#/components/messages/{kind.__name__}"} for kind in (*CLIENT, *SERVER)},
        "bindings": {"ws": {"method": "GET", "query": _QUERY, "bindingVersion": "0.1.0"}},
        "x-close-codes": [
            {"code": int(code), "name": code.name, "description": code.description} for code in CloseCode
        ],
    }


def _operation(action: str, summary: str, kinds: Iterable[type[msgspec.Struct]]) -> dict[str, Any]:
    return {
        "action": action,
        "summary": summary,
        "channel": {"$ref": "#/channels/room"},
        "messages": [{"$ref": f"#/channels/room/messages/{kind.__name__}"} for kind in kinds],
    }


def _message(kind: type[msgspec.Struct]) -> dict[str, Any]:
    return {
        "name": str(kind.__struct_config__.tag),
        "title": kind.__name__,
        "summary": (kind.__doc__ or "").strip(),
        "payload": {"$ref": f"#/components/schemas/{kind.__name__}"},
    }


def _schemas() -> dict[str, Any]:
    _, schemas = msgspec.json.schema_components((*CLIENT, *SERVER), ref_template="#/components/schemas/{name}")
    # What comes without a `type` is a message.
    schemas["Post"]["required"].remove("type")
    return schemas


@cache
def _body() -> bytes:
    return text().encode()


@only(*READ)
async def asyncapi_json(request: HttpRequest) -> HttpResponse:
    """`GET /asyncapi.json`."""
    return HttpResponse(_body(), content_type="application/json")
