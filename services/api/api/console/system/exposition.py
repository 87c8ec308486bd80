"""Reads Prometheus' text format: as much of it as our own `/metrics` pages write.

prometheus_client has a parser for all of it, which takes several times as long, on the event loop.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

_LINE = re.compile(r"^(millrace_\w+)(?:\{(.*)\})? (\S+)$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class Sample(NamedTuple):
    """One line; label values are as they are written, escapes included."""

    name: str
    labels: dict[str, str]
    value: float


def samples(text: str) -> Iterator[Sample]:
    """The samples of our own metrics in a page; what else is there is passed over."""
    for name, labels, value in _LINE.findall(text):
        yield Sample(name, dict(_LABEL.findall(labels)) if labels else {}, float(value))
