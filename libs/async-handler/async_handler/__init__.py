"""An ASGI handler for Django that keeps Django's semantics and leaves out what makes them slow.

It needs Django and asgiref only.

    handler.py     AsyncHandler, in the place of django.core.handlers.asgi.ASGIHandler
    request.py     Request: the same object, made with less work
    routing.py     Routes: resolves a path without captures once, and prepares each view once
    disconnect.py  DisconnectWatcher: cancels a request whose client has gone, without a task for those that are quick
    sync_pool.py   SyncPool: a fixed number of threads for synchronous code, and the thread context of a request
    headers.py     headers that are encoded once, not once a response
    types.py       ASGI's vocabulary
"""

from async_handler.handler import AsyncHandler
from async_handler.headers import send_encoded
from async_handler.sync_pool import SyncPoolExhausted, sync_pool

__all__ = ["AsyncHandler", "SyncPoolExhausted", "send_encoded", "sync_pool"]
