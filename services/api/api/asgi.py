"""The ASGI application: `uvicorn api.asgi:application`, or the same under daphne or hypercorn."""

from chassis.env import configure

configure("api.settings")

from django.conf import settings  # noqa: E402 - Django is set up above

from api.rooms.delivery import hub  # noqa: E402
from api.tour import httpx_client  # noqa: E402
from chassis import bus, database, garbage, http_client, lag, lifespan, metrics, redis  # noqa: E402
from chassis.database import migrations, usage  # noqa: E402
from chassis.forwarded import TrustedProxies  # noqa: E402
from chassis.handler import Handler  # noqa: E402
from chassis.upstream import shared  # noqa: E402
from rooms import limits  # noqa: E402

lifespan.resource(database.pool)
lifespan.resource(redis.opened)
lifespan.resource(http_client.opened)
lifespan.resource(httpx_client.opened)
lifespan.resource(shared.running)
lifespan.resource(lag.lag_monitor)
lifespan.resource(metrics.process)
lifespan.resource(migrations.listed)
lifespan.resource(usage.watched)
lifespan.resource(bus.publishing)
lifespan.resource(bus.inbox.running)
lifespan.resource(hub.running)
lifespan.resource(limits.settling)
lifespan.resource(garbage.settled)

application = TrustedProxies.parse(settings.FORWARDED_ALLOW_IPS).in_front_of(Handler())
