"""An ASGI handler for Django that keeps Django's semantics and leaves out what makes them slow.

Nothing in here imports the rest of Millrace: it needs Django and asgiref only, and could be a package of its own.

    handler.py     AsyncHandler, in the place of django.core.handlers.asgi.ASGIHandler
    request.py     Request: the same object, made with less work
    routing.py     Routes: resolves a path without captures once, and prepares each view once
    disconnect.py  Watch: cancels a request whose client has gone, without a task for those that are quick
    lanes.py       Lanes: a fixed set of threads for synchronous code, and the thread context of a request
    headers.py     headers that are encoded once, not once a response
"""

from chassis.asgi.handler import AsyncHandler
from chassis.asgi.headers import send_encoded
from chassis.asgi.lanes import LanesBusy, lanes

__all__ = ["AsyncHandler", "LanesBusy", "lanes", "send_encoded"]
