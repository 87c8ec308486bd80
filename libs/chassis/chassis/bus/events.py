"""The envelope of every event on the bus, and how unknown ones are met.

On the wire (msgpack, by the channel layer): `{"type": "bus.event", "v": 1, "group": "<group>", "event": "<name>",
"data": {...}}`. `type` is what Channels dispatches on, so it is the same for all, and no consumer fails on a name it
does not know. A reader ignores events of a higher version and names unknown to it, so mixed releases run side by side.
`group` is where it was published: the layer does not tell, and one channel listens to many.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

VERSION = 1
HANDLER = "bus.event"
# Made by the channel layer of the reader's own process: events of its groups may have been lost, so fill what matters.
GAP = "bus.gap"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened: a dotted `name` and its `data` (JSON types only); `group` is set by publishing."""

    name: str
    data: Mapping[str, Any]
    group: str = ""


def encode(group: str, event: Event) -> dict[str, Any]:
    """The message for `group_send` to `group`."""
    return {"type": HANDLER, "v": VERSION, "group": group, "event": event.name, "data": dict(event.data)}


def decode(message: Mapping[str, Any]) -> Event | None:
    """The event in a message of the channel layer, or None for one that this release does not understand."""
    name, data, group = message.get("event"), message.get("data"), message.get("group", "")
    if message.get("v") != VERSION or not isinstance(name, str) or not isinstance(data, dict):
        return None
    return Event(name, data, group) if isinstance(group, str) else None
