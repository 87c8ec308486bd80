"""The event bus between processes: Channels groups over Redis, a versioned envelope, and a publish that never blocks.

Redis carries hints. What must not be lost is in PostgreSQL first, so a failed publish is counted and logged, and never
fails the request that made it.
"""

from chassis.bus.events import GAP, HANDLER, Event, decode, encode
from chassis.bus.inbox import Inbox, inbox
from chassis.bus.publish import publish, publish_soon, publishing

__all__ = ["GAP", "HANDLER", "Event", "Inbox", "decode", "encode", "inbox", "publish", "publish_soon", "publishing"]
