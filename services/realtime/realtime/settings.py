"""Settings of the realtime service."""

from environs import validate

from chassis.env import env
from chassis.settings import *  # noqa: F403 - a settings module is its names

ROOT_URLCONF = "realtime.urls"

# Seconds over which sockets are closed after SIGTERM; what then still runs is cancelled within 5 s more.
DRAIN_SECONDS = env.float("DRAIN_SECONDS", 10, validate=validate.Range(0, 3600))
# Seconds after which a socket is closed, give or take a tenth: its load moves on, also to processes that are newer.
MAX_SOCKET_AGE = env.float("MAX_SOCKET_AGE", 24 * 3600, validate=validate.Range(0, min_inclusive=False))
# Sockets of one user in all processes (without Redis: in each); the next one is closed.
MAX_SOCKETS_PER_USER = env.int("MAX_SOCKETS_PER_USER", 20, validate=validate.Range(1))
# Bytes that may wait for one reader; more of them close the socket.
OUTBOUND_LIMIT = env.int("OUTBOUND_LIMIT", 1024 * 1024, validate=validate.Range(64 * 1024))
