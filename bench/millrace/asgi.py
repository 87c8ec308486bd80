"""As `api.asgi`, with the benchmark's settings."""

from chassis.env import configure

configure("bench.millrace.settings")

from chassis import database, http_client, lag, lifespan  # noqa: E402 - Django is set up above
from chassis.handler import Handler  # noqa: E402

lifespan.resource(database.pool)
lifespan.resource(http_client.opened)
lifespan.resource(lag.lag_monitor)

application = Handler()
