"""Where does this code run: on an event loop or not, which loop, which thread, which ASGI server, which worker?"""

import asyncio
import inspect
import multiprocessing
import os
import platform
import threading

import django
from asgiref.sync import sync_to_async

from api.tour.schemas import Mode, Surroundings

SERVERS = ("uvicorn", "daphne", "hypercorn")


def look_around() -> Surroundings:
    """What the caller sees. `get_running_loop` is the test: it raises where code may block."""
    thread = threading.current_thread().name
    try:
        loop = type(asyncio.get_running_loop())
    except RuntimeError:
        return Surroundings(event_loop_running=False, loop=None, thread=thread)
    return Surroundings(event_loop_running=True, loop=f"{loop.__module__}.{loop.__qualname__}", thread=thread)


def server() -> str:
    """The ASGI server that called us, or `unknown`.

    ASGI has no word for it, and several servers may be imported into one process, so this looks for one among its
    callers.
    """
    frame = inspect.currentframe()
    while frame is not None:
        package = str(frame.f_globals.get("__name__")).partition(".")[0]
        if package in SERVERS:
            return package
        frame = frame.f_back
    return "unknown"


async def mode() -> Mode:
    """The surroundings of the running coroutine, and of a synchronous function called from it."""
    here = look_around()
    return Mode(
        event_loop_running=here.event_loop_running,
        loop=here.loop,
        thread=here.thread,
        server=server(),
        worker=multiprocessing.current_process().name,
        pid=os.getpid(),
        python=platform.python_version(),
        django=django.get_version(),
        sync_helper=await sync_to_async(look_around)(),
    )
