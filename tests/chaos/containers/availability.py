"""Which requests failed although somebody could have answered: pure functions over a history."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from tests.chaos.containers.asking import QUESTIONS, Question
from tests.chaos.facts import Finding
from tests.chaos.history import Event
from tests.chaos.measures import Latencies, Window

# By the service that a fault harms: the questions that nobody can answer meanwhile. Of the api a replica is left,
# but only the one that was harmed knows whether it did what a POST asked.
NOBODY: Mapping[str, Callable[[Question], bool]] = {
    "gateway": lambda question: True,
    "postgres": lambda question: question.database,
    "api": lambda question: question.method == "POST",
}
_ASKED = {(question.method, question.path): question for question in QUESTIONS}


def failed(event: Event) -> bool:
    """No answer, or an error that is none."""
    return event.kind == "request" and event.code not in _ASKED[event.via, event.place].answers


def unanswered(events: Sequence[Event], windows: Sequence[Window]) -> Iterator[Finding]:
    """A finding for each request that failed, unless a fault that explains it was going on at some time of it."""
    for event in filter(failed, events):
        question = _ASKED[event.via, event.place]
        began = event.t - event.took
        if not any(
            _explains(window, question) and began <= window.healed and event.t >= window.start for window in windows
        ):
            outcome = event.code if event.code is not None else event.why
            yield Finding("unanswered", f"{event.via} {event.place}: {outcome} after {event.took:.2f} s", event.t)


def _explains(window: Window, question: Question) -> bool:
    targets = (name.rsplit("-", 1)[0] for name in window.names)
    return any(target in NOBODY and NOBODY[target](question) for target in targets)


def answers(events: Sequence[Event], windows: Sequence[Window]) -> list[tuple[str, ...]]:
    """A row for each step: requests that began in it, how many failed, and the slowest answer in seconds."""
    rows: list[tuple[str, ...]] = []
    for window in windows:
        seen = [e for e in events if e.kind == "request" and window.start <= e.t - e.took < window.healed]
        slowest = Latencies([event.took for event in seen if not failed(event)]).at(1)
        bad = sum(map(failed, seen))
        rows.append((window.label, str(len(seen)), str(bad), "-" if slowest is None else f"{slowest:.2f}"))
    return rows
