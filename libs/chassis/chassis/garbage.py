"""Keeps what lives as long as the process out of the garbage collector's way."""

import contextlib
import gc
from collections.abc import AsyncIterator


@contextlib.asynccontextmanager
async def settled() -> AsyncIterator[None]:
    """Collect once, and look at nothing that is alive now again; register it after all other resources.

    Django, its models and the routes are some hundred thousand objects. A full collection walks all of them, which
    stops the event loop for 65 to 80 ms, in the middle of whatever is being answered.
    """
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
