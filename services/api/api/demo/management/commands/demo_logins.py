"""`manage demo_logins`: who can sign in to a demo stack."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from api.demo.data import LOGINS


class Command(BaseCommand):
    """Prints the demo logins, as a table or with `--json`."""

    help = "Print the demo logins."

    def add_arguments(self, parser: CommandParser) -> None:
        """One flag."""
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print."""
        logins = [{"username": login.username, "password": login.password, "role": login.role} for login in LOGINS]
        if options["json"]:
            self.stdout.write(json.dumps(logins))
            return
        for login in logins:
            self.stdout.write(f"{login['username']:<10} {login['password']:<18} {login['role']}")
