"""`manage migrate`: Django's, as a job that may start before PostgreSQL does, and twice at once."""

from typing import Any

from django.core.management.commands import migrate

from chassis.management import jobs


class Command(migrate.Command):
    """Django's `migrate`, after waiting for PostgreSQL (`DATABASE_WAIT_SECONDS`) and for another one that runs."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate, while no other process does."""
        alias = options["database"]
        jobs.wait_until(lambda: jobs.accepting(alias), self.stdout.write)
        with jobs.only_one(alias, self.stdout.write):
            super().handle(*args, **options)
