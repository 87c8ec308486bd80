"""What ends a run.

BenchError
 +-- WrongAnswer    a contestant answered something else than it has to
 +-- NotRunning     a contestant did not start, or ended by itself
"""


class BenchError(Exception):
    """The run cannot go on; the message is for whoever started it."""


class WrongAnswer(BenchError):
    """A figure for a wrong answer would be worth nothing."""


class NotRunning(BenchError):
    """There is nobody to measure."""
