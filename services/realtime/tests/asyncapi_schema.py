"""What a document that describes one channel must be like, by the AsyncAPI 3.0.0 specification.

The specification's own schema is not on PyPI. This one has what our document uses of it, and is stricter: of an object
whose fields the specification lists, no other field is taken.
"""

from typing import Any

TEXT = {"type": "string", "minLength": 1}


def fields(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    """An object of these fields; extensions, whose names begin with `x-`, are always allowed."""
    return {
        "type": "object",
        "required": list(required),
        "properties": required | (optional or {}),
        "patternProperties": {"^x-": True},
        "additionalProperties": False,
    }


def named(value: Any) -> dict[str, Any]:
    """An object of things by name, at least one."""
    names = {"pattern": r"^[A-Za-z0-9_.-]+$"}
    return {"type": "object", "minProperties": 1, "propertyNames": names, "additionalProperties": value}


REF = fields({"$ref": TEXT})
INFO = fields({"title": TEXT, "version": TEXT}, {"description": TEXT, "license": fields({"name": TEXT})})
SERVER = fields(
    {"host": TEXT, "protocol": {"enum": ["ws", "wss"]}},
    {
        "description": TEXT,
        "variables": named(fields({"default": TEXT}, {"description": TEXT})),
        "security": {"type": "array", "items": REF},
    },
)
WEBSOCKET = fields({"method": {"enum": ["GET"]}, "query": {"type": "object"}, "bindingVersion": {"const": "0.1.0"}})
CHANNEL = fields(
    {"address": TEXT, "messages": named(REF)},
    {
        "title": TEXT,
        "parameters": named(fields({}, {"description": TEXT, "examples": {"type": "array", "items": TEXT}})),
        "bindings": fields({"ws": WEBSOCKET}),
    },
)
OPERATION = fields(
    {
        "action": {"enum": ["send", "receive"]},
        "channel": REF,
        "messages": {"type": "array", "minItems": 1, "items": REF},
    },
    {"summary": TEXT},
)
MESSAGE = fields({"payload": REF}, {"name": TEXT, "title": TEXT, "summary": TEXT})
API_KEY = fields(
    {"type": {"const": "httpApiKey"}, "name": TEXT, "in": {"enum": ["query", "header", "cookie"]}},
    {"description": TEXT},
)
DOCUMENT = fields(
    {
        "asyncapi": {"const": "3.0.0"},
        "info": INFO,
        "defaultContentType": {"const": "application/json"},
        "servers": named(SERVER),
        "channels": named(CHANNEL),
        "operations": named(OPERATION),
        "components": fields(
            {
                "messages": named(MESSAGE),
                # Payloads are JSON Schema, draft 7, which is checked by using them.
                "schemas": named({"type": "object", "required": ["type"]}),
                "securitySchemes": named(API_KEY),
            }
        ),
    }
)
