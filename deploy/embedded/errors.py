"""What ends the runner with one sentence instead of a traceback."""

from collections.abc import Iterable


class StackError(Exception):
    """A start that cannot succeed. `detail` is what explains it: the last lines of a log, say."""

    def __init__(self, sentence: str, detail: Iterable[str] = ()) -> None:
        super().__init__(sentence)
        self.detail = list(detail)
