"""Who speaks in a room: a user, or a guest where the site admits them."""

import secrets
from dataclasses import dataclass

from accounts.models import User


@dataclass(frozen=True, slots=True)
class Sender:
    """`key` identifies the sender in the database (`user:<id>` or `guest:<name>`), `username` is what others see."""

    key: str
    username: str
    user_id: int | None = None


def from_user(user: User) -> Sender:
    """The sender that a signed-in user is."""
    return Sender(f"user:{user.pk}", user.username, user.pk)


def new_guest() -> Sender:
    """A guest with a fresh name, `guest-xxxx`."""
    # The key is longer than the name that is shown: two guests of one name must not share client ids.
    token = secrets.token_hex(8)
    return Sender(f"guest:{token}", f"guest-{token[:4]}")
