"""The measurement of `docs/tour.md`: what a blocked event loop costs the next request."""

from typing import Any

import pytest

from api.tour import blocked

pytestmark = pytest.mark.slow


async def test_measures_every_way(process: None, settings: Any) -> None:
    """Each way is measured, and behind a blocked loop the second request takes at least as long as the first."""
    settings.ROOT_URLCONF = blocked.__name__
    settings.ALLOWED_HOSTS = ["localhost"]
    measured = await blocked.measure(rounds=2)
    assert set(measured) == set(blocked.WAYS)
    assert measured["time.sleep in an async view"] >= blocked.SECONDS * 1000


def test_table() -> None:
    """A line for each way."""
    assert blocked.table({"one way": 1.234, "another": 200}).splitlines() == [
        "one way                          a second request takes    1.23 ms",
        "another                          a second request takes  200.00 ms",
    ]
