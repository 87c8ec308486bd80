"""Strict readers for decoded JSON. Each raises InvalidFieldError with a message that names the key and the range."""

from collections.abc import Iterable

from mock_upstream.errors import InvalidFieldError

_LONGEST_NAME = 60


def table(value: object, key: str, allowed: Iterable[str]) -> dict[str, object]:
    """`value` as an object whose keys are all in `allowed`."""
    if not isinstance(value, dict):
        raise InvalidFieldError(f"{key} must be an object")
    names = list(allowed)
    for name in value:
        if name not in names:
            raise InvalidFieldError(f"{key} has an unknown key {name[:_LONGEST_NAME]!r}; known are {', '.join(names)}")
    return value


def number(value: object, key: str, low: float, high: float) -> float:
    """`value` as an int or float from `low` to `high`, as given."""
    # bool is an int in Python, but true is no number in JSON.
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise InvalidFieldError(f"{key} must be a number from {low} to {high}")
    return value


def integer(value: object, key: str, low: int, high: int) -> int:
    """`value` as an int from `low` to `high`; 1.0 is refused."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise InvalidFieldError(f"{key} must be an integer from {low} to {high}")
    return value


def choice(value: object, key: str, allowed: Iterable[str]) -> str:
    """`value` as one of the strings in `allowed`."""
    names = list(allowed)
    if not isinstance(value, str) or value not in names:
        raise InvalidFieldError(f"{key} must be one of {', '.join(names)}")
    return value
