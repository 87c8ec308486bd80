"""`manage daily`: everything that has to be done once a day; safe to run at any time, and twice at once."""

import signal
import sys
import time
from pathlib import Path
from typing import Any

from django.core.management import CommandError, call_command
from django.core.management.base import BaseCommand, CommandParser
from django.db import DEFAULT_DB_ALIAS, DatabaseError, close_old_connections, connection

from chassis.management import jobs

PARTS = ("purge_expired", "remove_empty_rooms")
# Seconds from a run with a failure to the next one, at most.
RETRY_SECONDS = 600.0


class Command(BaseCommand):
    """Runs the daily commands one after the other; with `--every`, again and again."""

    help = f"Run {' and '.join(PARTS)}. If another process is doing that, do nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        """Once or for ever."""
        parser.add_argument("--every", type=float, metavar="SECONDS", help="do it again and again, until SIGTERM")
        parser.add_argument("--touch", type=Path, metavar="FILE", help="written after each run without a failure")

    def handle(self, *args: Any, every: float | None, touch: Path | None, **options: Any) -> None:
        """Print a line a table. One part that fails does not stop the next; without `--every` it is exit code 1."""
        if every is None:
            self._run(touch)
            return
        # At once, also in the middle of a statement: its transaction is rolled back.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        while True:
            pause = every
            try:
                self._run(touch)
            except CommandError as error:
                self.stderr.write(str(error))
                pause = min(every, RETRY_SECONDS)
            finally:
                # A day is long for a connection that does nothing.
                connection.close()
                connection.close_pool()  # type: ignore[attr-defined]  # of the PostgreSQL wrapper
            time.sleep(pause)

    def _run(self, touch: Path | None) -> None:
        jobs.wait_until(jobs.migrated, self.stdout.write)
        with jobs.first(DEFAULT_DB_ALIAS) as first:
            if not first:
                self.stdout.write("Another `daily` is running: nothing to do")
                return
            failed = [part for part in PARTS if not self._well(part)]
        if failed:
            raise CommandError(f"failed: {', '.join(failed)}")
        if touch is not None:
            touch.touch()

    def _well(self, part: str) -> bool:
        try:
            call_command(part, stdout=self.stdout, stderr=self.stderr)
        except (CommandError, DatabaseError) as error:
            self.stderr.write(f"{part}: {' '.join(str(error).split())}")
            return False
        finally:
            # One that broke is not given to the next part.
            close_old_connections()
        return True
