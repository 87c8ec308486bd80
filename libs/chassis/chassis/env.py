"""Typed reads of the environment that fail loudly, and the start of a process that depends on them.

Every variable may also be given as `NAME_FILE`, the path of a file that holds the value: that is how secrets reach a
container without showing in its environment.
"""

import os
import sys

import django
from environs import EnvError, FileAwareEnv, ValidationError
from limits import parse

env = FileAwareEnv()


def rate(value: str) -> None:
    """A validator for `env.str`: the value must be a rate such as `10/minute`."""
    try:
        nothing = parse(value).amount < 1
    except ValueError as error:
        raise ValidationError(f"not a rate such as 10/minute: {value!r}") from error
    if nothing:
        raise ValidationError(f"a rate must allow something: {value!r}")


def configure(settings_module: str) -> None:
    """Set up Django; a missing or malformed variable ends the process with one line that names it."""
    os.environ["DJANGO_SETTINGS_MODULE"] = settings_module
    try:
        django.setup()
    except EnvError as error:
        sys.exit(f"configuration: {error}")
