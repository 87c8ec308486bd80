"""Room names, and the groups made from them."""

import re

from chassis.errors import BadRequest

MAX_LENGTH = 64
PATTERN = r"[A-Za-z0-9_]{1,64}"
_NAME = re.compile(PATTERN)


def valid(name: str) -> bool:
    r"""True for `\w+` in ASCII, up to 64. `fullmatch`, because `$` would let a trailing newline through."""
    return _NAME.fullmatch(name) is not None


def group(name: str) -> str:
    """The channel layer's group of a room. The layer checks nothing, so this is the one place that makes such names."""
    if not valid(name):
        raise BadRequest("Invalid room name")
    return f"room.{name}"
