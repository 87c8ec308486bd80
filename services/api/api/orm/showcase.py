"""Makes every call and reports it, in two transactions that leave nothing behind."""

import time
from collections.abc import Iterable
from typing import Any

from django.db.models import Model

from api.orm.async_calls import ASYNC_CALLS
from api.orm.calls import Call, Demo
from api.orm.recorder import Recorder
from api.orm.schemas import MethodReport
from api.orm.stock_calls import STOCK_CALLS
from api.orm.transactions import rolled_back, rolled_back_on_lane


async def run(
    async_calls: Iterable[Call] = ASYNC_CALLS, stock_calls: Iterable[Call] = STOCK_CALLS
) -> list[MethodReport]:
    """All calls in order, those on the true async ORM first. An error in one ends all, and is rolled back too."""
    recorder = Recorder()
    async with rolled_back(recorder):
        reports = await _make(async_calls, recorder)
    async with rolled_back_on_lane(recorder):
        reports += await _make(stock_calls, recorder)
    return reports


async def _make(calls: Iterable[Call], recorder: Recorder) -> list[MethodReport]:
    demo = Demo()
    reports = []
    for call in calls:
        started = time.perf_counter()
        result = await call.run(demo)
        ms = round((time.perf_counter() - started) * 1000, 3)
        reports.append(MethodReport(call.method, call.backend, call.source, recorder.take(), rows(result), ms))
    return reports


def rows(result: Any) -> int | bool | str | dict[str, int]:
    """`result` as JSON: the number of rows, or the value where it is not rows."""
    match result:
        case None:
            return 0
        case bool() | int() | str():
            return result
        case (int(deleted), dict()):
            return deleted
        case dict() if not any(isinstance(value, Model) for value in result.values()):
            return result
        case list() | dict():
            return len(result)
        case _:
            return 1
