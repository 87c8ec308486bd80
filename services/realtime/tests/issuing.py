"""A program that issues a ticket, a token and a session to a user and prints them: run with another clock than others.

`python issuing.py USER_ID ROOM` on the database that DATABASE_URL names.
"""

import asyncio
import json
import sys

from chassis.env import configure

configure("realtime.settings")

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY  # noqa: E402 - Django is set up above

from accounts import tickets, tokens, users  # noqa: E402
from accounts.sessions import SessionStore  # noqa: E402
from chassis import database  # noqa: E402


async def issue(user_id: int, room: str) -> dict[str, str]:
    """One of each kind."""
    async with database.pool(), database.connection():
        user = await users.active(user_id)
        assert user is not None
        token, row = await tokens.issue(user)
        session = SessionStore()
        await session.aupdate(
            {
                SESSION_KEY: str(user.pk),
                BACKEND_SESSION_KEY: "accounts.backends.AsyncModelBackend",
                HASH_SESSION_KEY: user.get_session_auth_hash(),
            }
        )
        await session.asave()
        return {
            "ticket": await tickets.issue(user, room),
            "by_token": await tickets.issue(user, room, access_token=row),
            "token": token,
            "session": session.session_key or "",
        }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(issue(int(sys.argv[1]), sys.argv[2]))))  # noqa: T201 - what it is for
