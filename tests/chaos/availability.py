"""Which requests failed although a replica could have answered: pure functions over a history."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from tests.chaos.asking import QUESTIONS, Question
from tests.chaos.facts import Finding
from tests.chaos.history import Event
from tests.chaos.measures import Latencies, Window

# Whether a step's faults explain that this question, asked by this request, got no answer.
type Explains = Callable[[Window, Question, Event], bool]

# By the service that a fault harms: the questions that cannot be answered meanwhile. Of the api a replica is left,
# but only the one that was harmed knows whether it did what a POST asked.
UNANSWERABLE: Mapping[str, Callable[[Question], bool]] = {
    "gateway": lambda question: True,
    "postgres": lambda question: question.database,
    "api": lambda question: question.method == "POST",
}
# Seconds after PostgreSQL is back in which a service may not know yet: its pool tries again every 2 s.
_RECONNECTED = 3.0
_ASKED = {(question.method, question.path): question for question in QUESTIONS}


def failed(event: Event) -> bool:
    """No answer, or an error that is none."""
    return event.kind == "request" and event.code not in _ASKED[event.via, event.place].answers


def unanswered(events: Sequence[Event], windows: Sequence[Window], explains: Explains) -> Iterator[Finding]:
    """A finding for each request that failed, unless a fault that explains it was going on at some time of it."""
    for event in filter(failed, events):
        question = _ASKED[event.via, event.place]
        began = event.t - event.took
        late = _RECONNECTED if question.database else 0.0
        during = [window for window in windows if began <= window.healed + late and event.t >= window.start]
        if not any(explains(window, question, event) for window in during):
            outcome = event.code if event.code is not None else event.why
            yield Finding("unanswered", f"{event.via} {event.place}: {outcome} after {event.took:.2f} s", event.t)


def by_service(window: Window, question: Question, _: Event) -> bool:
    """Of containers, whose gateway is one: it depends on the services that are harmed, not on how."""
    return any(unanswerable(name.rpartition("-")[0], question) for name in window.names)


def unanswerable(service: str, question: Question) -> bool:
    """Whether a question may fail while a replica of this service is dead, silent or out of reach."""
    return service in UNANSWERABLE and UNANSWERABLE[service](question)


def answers(events: Sequence[Event], windows: Sequence[Window]) -> list[tuple[str, ...]]:
    """A row for each step: requests that began in it, how many failed, and the slowest answer in seconds."""
    rows: list[tuple[str, ...]] = []
    for window in windows:
        seen = [e for e in events if e.kind == "request" and window.start <= e.t - e.took < window.healed]
        slowest = Latencies([event.took for event in seen if not failed(event)]).at(1)
        bad = sum(map(failed, seen))
        rows.append((window.label, str(len(seen)), str(bad), "-" if slowest is None else f"{slowest:.2f}"))
    return rows
