"""Where a socket starts in its room's history: `?since=<seq>&epoch=<epoch>`, or with the newest messages."""

import re
from collections.abc import Mapping
from enum import Enum
from uuid import UUID

from rooms.access import RoomAccess

_NUMBER = re.compile("[0-9]{1,18}")


class Start(Enum):
    """Places that are not a number: none was asked for, or one that this room never had."""

    NEWEST = "newest"
    LOST = "lost"


def start(query: Mapping[str, str], room: RoomAccess) -> int | Start:
    """The number to go on after; `NEWEST` where the client asked for none, `LOST` where this room never had it."""
    if "since" not in query and "epoch" not in query:
        return Start.NEWEST
    since, epoch = query.get("since", ""), query.get("epoch", "")
    try:
        same_epoch = UUID(epoch) == room.epoch
    except ValueError:
        return Start.LOST
    # A number from the future belongs to an epoch that is gone.
    if not same_epoch or not _NUMBER.fullmatch(since) or int(since) > room.last_seq:
        return Start.LOST
    return int(since)
