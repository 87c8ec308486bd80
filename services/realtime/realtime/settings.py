"""Settings of the realtime service."""

from environs import validate

from chassis.env import env
from chassis.settings import *  # noqa: F403 - a settings module is its names

ROOT_URLCONF = "realtime.urls"

# Seconds over which sockets are closed after SIGTERM; what then still runs is cancelled within 5 s more.
DRAIN_SECONDS = env.float("DRAIN_SECONDS", 10, validate=validate.Range(0, 3600))
# Bytes that may wait for one reader; more of them close the socket.
OUTBOUND_LIMIT = env.int("OUTBOUND_LIMIT", 1024 * 1024, validate=validate.Range(64 * 1024))
