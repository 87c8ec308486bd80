"""`purge_expired` deletes what has ended and nothing else."""

from datetime import timedelta
from io import StringIO

from asgiref.sync import sync_to_async
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from accounts.models import AccessToken, Session, User, WebSocketTicket
from testing.database import in_scope


def _purge() -> str:
    output = StringIO()
    try:
        call_command("purge_expired", stdout=output)
    finally:
        connection.close()
    return output.getvalue()


async def test_purge(user: User) -> None:
    """Of two sessions, tokens and tickets, the one that has ended goes; a line a table says so."""
    now = timezone.now()
    for name, ends in (("ended", now - timedelta(seconds=1)), ("valid", now + timedelta(minutes=5))):
        await in_scope(Session.async_objects.acreate(session_key=name, session_data="", expire_date=ends))
        await in_scope(AccessToken.async_objects.acreate(digest=name, user_id=user.pk, expires_at=ends))
        await in_scope(
            WebSocketTicket.async_objects.acreate(digest=name, user_id=user.pk, room="lobby", expires_at=ends)
        )
    printed = await sync_to_async(_purge)()
    assert printed.splitlines() == ["tickets: 1 deleted", "tokens: 1 deleted", "sessions: 1 deleted"]
    assert await in_scope(Session.async_objects.all().values_list("session_key", flat=True).afirst()) == "valid"
    assert await in_scope(AccessToken.async_objects.all().values_list("digest", flat=True).afirst()) == "valid"
    assert await in_scope(WebSocketTicket.async_objects.all().values_list("digest", flat=True).afirst()) == "valid"
