"""Two calls race: the first answer wins, nothing of the other is left, and cancellations reach whom they mean."""

import asyncio
import contextlib
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chassis.upstream.failures import UpstreamFailed
from chassis.upstream.hedging import hedged
from testing.waiting import DEADLINE, eventually


@dataclass
class Side:
    """One of the two calls: ends when it is told to."""

    name: str
    started: bool = False
    ended: bool = False
    cancelled: bool = False
    end: asyncio.Future[str] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    async def __call__(self) -> str:
        self.started = True
        try:
            return await self.end
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        finally:
            self.ended = True

    def answer(self) -> None:
        """It succeeds."""
        if not self.end.done():
            self.end.set_result(self.name)

    def fail(self) -> None:
        """It fails."""
        if not self.end.done():
            self.end.set_exception(UpstreamFailed(self.name))


class Race:
    """Both sides, and the task that awaits them."""

    def __init__(self, *, after: float = 0, may: bool = True) -> None:
        self.first, self.second = Side("first"), Side("second")
        self.asked = False
        self.left_cancelling: int | None = None
        self.task = asyncio.create_task(self._run(after, may))

    async def _run(self, after: float, may: bool) -> str:
        def allowed() -> bool:
            self.asked = True
            return may

        answer = await hedged(self.first, self.second, after=after, may=allowed)
        task = asyncio.current_task()
        assert task is not None
        self.left_cancelling = task.cancelling()
        return answer

    async def both(self) -> "Race":
        """Wait until both are under way."""
        await eventually(lambda: self.second.started)
        return self

    async def over(self, side: Side) -> None:
        """Wait until that side has ended and its end is known: what it leads to is done in the same turn."""
        await eventually(lambda: side.ended)
        await asyncio.sleep(0)


async def test_a_quick_first_is_alone() -> None:
    """The second is never started."""
    race = Race(after=30)
    race.first.answer()
    assert await race.task == "first"
    assert not race.second.started


async def test_the_second_wins() -> None:
    """The first is cancelled, and the caller, through whom that went, is not."""
    race = await Race().both()
    race.second.answer()
    assert await race.task == "second"
    assert (race.first.cancelled, race.left_cancelling) == (True, 0)


async def test_the_first_wins() -> None:
    """The second is cancelled."""
    race = await Race().both()
    race.first.answer()
    assert await race.task == "first"
    await eventually(lambda: race.second.cancelled)


async def test_no_second_without_leave() -> None:
    """Where it may not be, there is none."""
    race = Race(may=False)
    await eventually(lambda: race.asked)
    race.first.answer()
    assert await race.task == "first"
    assert not race.second.started


async def test_the_second_saves_the_first() -> None:
    """A first that fails is no end while the second is under way."""
    race = await Race().both()
    race.first.fail()
    await race.over(race.first)
    race.second.answer()
    assert await race.task == "second"


async def test_a_failed_second_is_forgotten() -> None:
    """The first goes on."""
    race = await Race().both()
    race.second.fail()
    await race.over(race.second)
    race.first.answer()
    assert await race.task == "first"


@pytest.mark.parametrize("order", [("first", "second"), ("second", "first")])
async def test_both_fail(order: tuple[str, str]) -> None:
    """The first's reason is told, whoever failed first."""
    race = await Race().both()
    for name in order:
        getattr(race, name).fail()
        await race.over(getattr(race, name))
    with pytest.raises(UpstreamFailed) as failure:
        await race.task
    assert failure.value.reason == "first"


async def test_the_caller_goes() -> None:
    """Both are cancelled, and so is the caller."""
    race = await Race().both()
    race.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await race.task
    await eventually(lambda: race.first.cancelled and race.second.cancelled)


async def test_the_caller_goes_while_only_the_second_is_left() -> None:
    """It is cancelled too."""
    race = await Race().both()
    race.first.fail()
    await race.over(race.first)
    race.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await race.task
    await eventually(lambda: race.second.cancelled)


async def test_time_runs_out() -> None:
    """A timeout around it is a timeout, and both are cancelled."""
    first, second = Side("first"), Side("second")
    limit = asyncio.timeout(None)

    async def ask() -> None:
        async with limit:
            await hedged(first, second, after=0, may=lambda: True)

    asking = asyncio.create_task(ask())
    await eventually(lambda: second.started)
    limit.reschedule(asyncio.get_running_loop().time())
    with pytest.raises(TimeoutError):
        await asking
    await eventually(lambda: first.cancelled and second.cancelled)


async def test_a_defect_is_no_failure_of_the_upstream() -> None:
    """It is raised at once, and the second is cancelled."""
    race = await Race().both()
    race.first.end.set_exception(ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        await race.task
    await eventually(lambda: race.second.cancelled)


EVENTS = st.sampled_from(["first ok", "first fails", "second ok", "second fails", "caller goes", "a turn"])


@settings(max_examples=300, deadline=None, database=None)
@given(events=st.lists(EVENTS, max_size=8))
def test_any_order(events: list[str]) -> None:
    """Whatever happens in whichever order, at once or with turns of the loop between.

    Where somebody answered and the caller did not go, there is an answer; a caller that goes is cancelled or has its
    answer already; no cancellation is left behind in the task, and no call goes on.
    """

    async def run() -> None:
        race = Race()
        while not race.second.started:  # noqa: ASYNC110 - without `eventually`, whose pauses 300 examples would add up
            await asyncio.sleep(0)
        for event in events:
            if event == "a turn":
                await asyncio.sleep(0)
            elif event == "caller goes":
                race.task.cancel()
            else:
                name, _, how = event.partition(" ")
                side: Side = getattr(race, name)
                side.answer() if how == "ok" else side.fail()
        if "caller goes" not in events:
            race.first.answer()
            race.second.answer()
        await asyncio.wait({race.task}, timeout=DEADLINE)
        assert race.task.done()
        _check(race, events)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(run())


def _check(race: Race, events: list[str]) -> None:
    if race.task.cancelled():
        assert "caller goes" in events
    elif (error := race.task.exception()) is not None:
        assert isinstance(error, UpstreamFailed)
        assert error.reason == "first"
        assert {"first fails"} <= set(events)
    else:
        assert race.task.result() in {"first", "second"}
        if "caller goes" not in events:
            assert race.left_cancelling == 0


async def test_a_caller_that_was_cancelled_before() -> None:
    """A caller that goes on after a cancellation has its answer: only what was cancelled since then is taken back."""
    first, second = Side("first"), Side("second")

    async def go_on() -> tuple[str, int]:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        answer = await hedged(first, second, after=0, may=lambda: True)
        task = asyncio.current_task()
        assert task is not None
        return answer, task.cancelling()

    task = asyncio.create_task(go_on())
    await asyncio.sleep(0)
    task.cancel()
    await eventually(lambda: second.started)
    second.answer()
    assert await task == ("second", 1)


@pytest.mark.parametrize("order", [("first", "second"), ("second", "first")])
async def test_both_answer_in_one_turn(order: tuple[str, str]) -> None:
    """In the same turn of the loop: the first has won, and the caller goes on undisturbed."""
    first, second = Side("first"), Side("second")

    async def go_on() -> str:
        answer = await hedged(first, second, after=0, may=lambda: True)
        for _ in range(5):
            await asyncio.sleep(0)
        return answer

    task = asyncio.create_task(go_on())
    await eventually(lambda: second.started)
    for name in order:
        {"first": first, "second": second}[name].answer()
    assert (await task, task.cancelling()) == ("first", 0)


async def test_no_second_after_the_end() -> None:
    """A first that has answered takes its timer with it."""
    first, second = Side("first"), Side("second")
    first.answer()
    assert await hedged(first, second, after=0.01, may=lambda: True) == "first"
    # The loop fires timers in the order of their times.
    await asyncio.sleep(0.02)
    assert not second.started
