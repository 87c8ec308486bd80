"""Logs are structured and hold no secret."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog

from chassis.logging import logging_config

type Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """Attaches our JSON formatter to the root logger; returns a function that reads the lines written so far.

    Not `dictConfig` itself: that closes all handlers there are, pytest's own among them.
    """
    options = dict(logging_config("json", "INFO")["formatters"]["structured"])
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(options.pop("()")(**options))
    logging.getLogger().addHandler(handler)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    logging.getLogger().removeHandler(handler)


def test_one_object_a_line(lines: Lines) -> None:
    """An event is one JSON object with its fields."""
    structlog.get_logger("test").info("thing.happened", count=3)
    (line,) = lines()
    assert (line["event"], line["count"], line["level"]) == ("thing.happened", 3, "info")


@pytest.mark.parametrize("field", ["password", "token", "ticket", "Authorization", "Cookie", "secret_key"])
def test_secrets_are_redacted(lines: Lines, field: str) -> None:
    """Fields that carry secrets never show them, whoever logs them."""
    structlog.get_logger("test").info("careless", **{field: "hunter2"})
    logging.getLogger("library").warning("careless", extra={field: "hunter2"})
    assert "hunter2" not in json.dumps(lines())


def test_library_lines_have_the_same_form(lines: Lines) -> None:
    """A line of the standard library's logging is JSON too, with the bound request id."""
    with structlog.contextvars.bound_contextvars(request_id="r1"):
        logging.getLogger("library").warning("hello %s", "world")
    (line,) = lines()
    assert (line["event"], line["request_id"]) == ("hello world", "r1")


def test_tracebacks_are_fields(lines: Lines) -> None:
    """A traceback is part of its line, not lines of its own."""
    try:
        raise ValueError("broken")
    except ValueError:
        structlog.get_logger("test").exception("thing.failed")
    (line,) = lines()
    assert "broken" in json.dumps(line["exception"])


def test_tracebacks_show_no_values(lines: Lines) -> None:
    """Local variables stay out of the log: a password is one, and asking a queryset for its repr would run it."""
    password = "hunter" + "2"  # put together here, or the line of source in the traceback would show it too
    try:
        raise ValueError(f"broken with {len(password)} characters")
    except ValueError:
        structlog.get_logger("test").exception("thing.failed")
    (line,) = lines()
    assert password not in json.dumps(line)
