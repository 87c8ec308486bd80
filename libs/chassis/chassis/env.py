"""Typed reads of the environment that fail loudly, and the start of a process that depends on them.

Every variable may also be given as `NAME_FILE`, the path of a file that holds the value: that is how secrets reach a
container without showing in its environment. One newline at the end of the file is not part of the value: editors and
`echo` write one.
"""

import os
import sys
from pathlib import Path
from typing import Any

import django
from environs import EnvError, FileAwareEnv, ValidationError
from limits import parse


class FileEnv(FileAwareEnv):
    """environs' reader of variables and of files, with one difference: the newline that ends a file is dropped."""

    def _get_value(self, env_key: str, default: Any) -> Any:
        variable = f"{env_key}{self.file_suffix}"
        path = os.environ.get(variable)
        if not path:
            return super()._get_value(env_key, default)
        try:
            # As bytes: a file that is read as text would lose every "\r".
            text = Path(path).read_bytes().decode()
        except (OSError, UnicodeDecodeError) as error:
            raise EnvError(f"{variable} must name a readable text file, not {path!r}: {error}") from error
        return text[:-2] if text.endswith("\r\n") else text.removesuffix("\n")


env = FileEnv()


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
