"""Structured logs: one line an event, a dotted name and fields, as JSON or coloured for a person.

Everything goes through the standard library's root logger, so the lines of Django, uvicorn, daphne and our own have one
form. Whatever is bound with `structlog.contextvars` (the request id) is on every line of that request.
"""

import logging
import os
import sys
import time
from datetime import UTC, datetime
from typing import Any

import msgspec
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

REDACTED = "[redacted]"
_SECRET = frozenset({"authorization", "cookie", "password", "secret", "secret_key", "set-cookie", "ticket", "token"})


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace the value of every field that carries a secret, so that a careless log call leaks none."""
    for key in event:
        if key.lower() in _SECRET:
            event[key] = REDACTED
    return event


_SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.stdlib.ExtraAdder(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    redact,
]


def _drop_noise(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    # Django attaches the whole request to its own log records; its repr would carry the query string, tickets included.
    event.pop("request", None)
    # uvicorn repeats its message with colour codes.
    event.pop("color_message", None)
    return event


# Without the values of local variables, which structlog adds by default: among them are passwords, and the repr of a
# queryset runs it, on whatever thread the log line is written.
_TRACEBACKS = structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False))


class JsonFormatter(structlog.stdlib.ProcessorFormatter):
    """One JSON object a line; an event without a traceback, which is nearly every one, goes straight to the encoder."""

    _encoder = msgspec.json.Encoder(enc_hook=repr)

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        event = record.msg
        if isinstance(event, dict) and "exc_info" not in event and "stack_info" not in event:
            return self._encoder.encode(event).decode()
        return super().format(record)


class EventLog:
    """For events that come with every request: lines as structlog's, made without its chain of processors.

    Fields are written as they are given: `redact` does not see them.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._logger = logging.getLogger(name)

    def info(self, event: str, **fields: Any) -> None:
        """Log `event` with `fields` at level INFO."""
        if not self._logger.isEnabledFor(logging.INFO):
            return
        now = time.time()
        line = {"event": event, **fields, "logger": self._name, "level": "info", "timestamp": _iso(now)}
        record = logging.LogRecord(self._name, logging.INFO, __file__, 0, line, None, None)
        # What `wrap_for_formatter` adds, by which ProcessorFormatter knows that the message is an event.
        record.__dict__.update(_logger=self._logger, _name="info")
        self._logger.handle(record)


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def _coloured() -> bool:
    return "NO_COLOR" not in os.environ and ("FORCE_COLOR" in os.environ or sys.stderr.isatty())


def logging_config(log_format: str, level: str) -> dict[str, Any]:
    """A `logging.config.dictConfig` mapping; `log_format` is `json` or `console`."""
    renderer: list[Processor] = (
        [_TRACEBACKS, structlog.processors.JSONRenderer()]
        if log_format == "json"
        else [structlog.dev.ConsoleRenderer(colors=_coloured(), exception_formatter=structlog.dev.plain_traceback)]
    )
    # A log line that cannot be written is lost, and that is all. Reporting it on stderr would feed daphne's redirected
    # stderr back into the log, for ever, once whoever reads it has gone.
    logging.raiseExceptions = False
    # Looked up for every record, and on no line of ours.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging.logAsyncioTasks = False  # type: ignore[attr-defined]  # typeshed does not know it yet
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": JsonFormatter if log_format == "json" else structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": [*_SHARED, _drop_noise],
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # One line a request is ours; Django's own duplicates of it say nothing more.
            "django.request": {"level": "ERROR"},
            "django.security.csrf": {"level": "ERROR"},
            # It would log the address of every upstream call.
            "httpx": {"level": "WARNING"},
            "daphne": {"level": "WARNING"},
            "asyncio": {"level": "WARNING"},
        },
    }
