"""`manage purge_expired`: delete what has expired; safe to run at any time, a part of `manage daily`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, close_old_connections, connection, transaction
from django.db.models.functions import Now

from accounts.models import AccessToken, Session, WebSocketTicket


class Command(BaseCommand):
    """Deletes expired sessions, access tokens and tickets."""

    help = "Delete expired sessions, access tokens and WebSocket tickets."

    def handle(self, *args: Any, **options: Any) -> None:
        """Print a line a table. A table that fails does not stop the others; raises `CommandError` in the end."""
        failed = []
        for name, expired in (
            ("tickets", WebSocketTicket.objects.filter(expires_at__lte=Now())),
            ("tokens", AccessToken.objects.filter(expires_at__lte=Now())),
            ("sessions", Session.objects.filter(expire_date__lte=Now())),
        ):
            try:
                with transaction.atomic(), connection.cursor() as cursor:
                    # The connection's own bound suits a request, not what may have piled up.
                    cursor.execute("SET LOCAL statement_timeout = 0")
                    count, _ = expired.delete()
            except DatabaseError as error:
                failed.append(f"{name}: {' '.join(str(error).split())}")
                close_old_connections()
            else:
                self.stdout.write(f"{name}: {count} deleted")
        if failed:
            raise CommandError("; ".join(failed))
