"""`manage purge_expired`: delete what has expired; safe to run at any time, meant for a daily job."""

from typing import Any

from django.core.management.base import BaseCommand
from django.db.models.functions import Now

from accounts.models import AccessToken, Session, WebSocketTicket


class Command(BaseCommand):
    """Deletes expired sessions, access tokens and tickets."""

    help = "Delete expired sessions, access tokens and WebSocket tickets."

    def handle(self, *args: Any, **options: Any) -> None:
        """Print a line a table."""
        for name, expired in (
            ("tickets", WebSocketTicket.objects.filter(expires_at__lte=Now())),
            ("tokens", AccessToken.objects.filter(expires_at__lte=Now())),
            ("sessions", Session.objects.filter(expire_date__lte=Now())),
        ):
            count, _ = expired.delete()
            self.stdout.write(f"{name}: {count} deleted")
