"""The ASGI application: HTTP for health and metrics, WebSockets for chat."""

from chassis.env import configure

configure("realtime.settings")

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402 - Django is set up above
from django.urls import path, re_path  # noqa: E402

from chassis import bus, database, garbage, lag, lifespan, metrics, redis  # noqa: E402
from chassis.database import migrations, usage  # noqa: E402
from chassis.handler import Handler  # noqa: E402
from realtime.chat import ChatConsumer  # noqa: E402
from realtime.delivery import hub  # noqa: E402
from realtime.origins import OriginCheck, reject  # noqa: E402
from rooms import limits, presence  # noqa: E402

lifespan.resource(database.pool)
lifespan.resource(redis.opened)
lifespan.resource(lag.lag_monitor)
lifespan.resource(metrics.process)
lifespan.resource(migrations.listed)
lifespan.resource(usage.watched)
lifespan.resource(bus.publishing)
lifespan.resource(bus.inbox.running)
lifespan.resource(hub.running)
lifespan.resource(presence.beating)
lifespan.resource(limits.settling)
lifespan.resource(garbage.settled)

sockets = URLRouter(
    [
        path("ws/chat/<str:room>/", ChatConsumer.as_asgi()),
        # Without it an unknown path would raise in the router: a traceback for every scanner that comes by.
        re_path(r"", reject),  # type: ignore[arg-type]  # an ASGI application, which only Channels takes here
    ]
)
application = ProtocolTypeRouter({"http": Handler(), "websocket": OriginCheck(sockets)})
