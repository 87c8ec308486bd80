"""The ASGI application: `uvicorn api.asgi:application`, or the same under daphne or hypercorn."""

from chassis.env import configure

configure("api.settings")

from chassis import database, http_client, lag, lifespan, redis  # noqa: E402 - Django is set up above
from chassis.handler import Handler  # noqa: E402

lifespan.resource(database.pool)
lifespan.resource(redis.opened)
lifespan.resource(http_client.opened)
lifespan.resource(lag.lag_monitor)

application = Handler()
