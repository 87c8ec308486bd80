"""`manage remove_empty_rooms`: remove what `ROOMS_ON_DEMAND` made and is not used; a part of `manage daily`."""

from typing import Any

from django.core.management.base import BaseCommand

from rooms import on_demand


class Command(BaseCommand):
    """Removes rooms made on demand that have been empty for `ROOMS_ON_DEMAND_EMPTY_SECONDS`."""

    help = "Remove rooms made on demand that have been empty for ROOMS_ON_DEMAND_EMPTY_SECONDS, and their messages."

    def handle(self, *args: Any, **options: Any) -> None:
        """Print a line a table."""
        for name, count in on_demand.remove_empty()._asdict().items():
            self.stdout.write(f"{name}: {count} deleted")
