"""`python -m api.manage`: Django's management commands with the api's settings."""

import sys

from django.core.management import execute_from_command_line

from chassis.env import configure

if __name__ == "__main__":
    configure("api.settings")
    execute_from_command_line(["manage", *sys.argv[1:]])
