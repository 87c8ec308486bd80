"""What the runner prints: steps with their time, prefixed log lines, tables, why it ends. Plain on no terminal."""

import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

_PALETTE = (36, 33, 35, 32, 34, 96, 93, 95)
_NAME_WIDTH = 13


class StackError(Exception):
    """A start that cannot succeed. `detail` is what explains it: the last lines of a log, say."""

    def __init__(self, sentence: str, detail: Iterable[str] = ()) -> None:
        super().__init__(sentence)
        self.detail = list(detail)


class Output:
    """`closed` turns true when nobody can read any more (the terminal is gone, or the pipe's other end)."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._colour = self._stream.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
        self._colours: dict[str, int] = {}
        self.closed = False

    def say(self, text: str = "") -> None:
        self._write(text)

    def warn(self, text: str) -> None:
        self._write(self._paint(text, 33))

    def fail(self, sentence: str, detail: Sequence[str] = ()) -> None:
        for line in detail:
            self._write(f"  | {line}")
        self._write(self._paint(f"error: {sentence}", 31))

    @contextmanager
    def step(self, label: str) -> Iterator[None]:
        """One line once it is done, with the time it took. A start takes seconds, so silence would be worse."""
        started = time.monotonic()
        yield
        self._write(f"  {self._paint('ok', 32)}  {label:<44} {time.monotonic() - started:5.1f} s")

    def line(self, name: str, text: str) -> None:
        """A line of a service's log."""
        colour = self._colours.setdefault(name, _PALETTE[len(self._colours) % len(_PALETTE)])
        self._write(f"{self._paint(f'{name:<{_NAME_WIDTH}} |', colour)} {text}")

    def table(self, rows: Iterable[Sequence[str]], header: Sequence[str] = ()) -> None:
        body = [list(map(str, row)) for row in rows]
        everything = [list(header), *body] if header else body
        if not everything:
            return
        widths = [max(len(row[column]) for row in everything) for column in range(len(everything[0]))]
        for number, row in enumerate(everything):
            cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
            text = "  ".join(cells).rstrip()
            self._write(f"  {self._paint(text, 1) if header and number == 0 else self._first(cells, text)}")

    def _first(self, cells: list[str], text: str) -> str:
        return self._paint(cells[0], 36) + text[len(cells[0]) :]

    def _paint(self, text: str, colour: int) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._colour else text

    def _write(self, text: str) -> None:
        if self.closed:
            return
        try:
            # A service may log anything; a terminal in another encoding must not end the stack.
            encoding = self._stream.encoding or "utf-8"
            self._stream.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
            self._stream.flush()
        except (OSError, ValueError):
            self.closed = True
