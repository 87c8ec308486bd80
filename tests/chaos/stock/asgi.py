"""The application that stock daphne serves: `daphne tests.chaos.stock.asgi:application`."""

import os

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.chaos.stock.settings"

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

http = get_asgi_application()

from django.http import HttpRequest, HttpResponse  # noqa: E402 - Django is set up above
from django.urls import path  # noqa: E402
from tests.chaos.stock.consumer import ChatConsumer  # noqa: E402


def health(request: HttpRequest) -> HttpResponse:
    """For the runner."""
    return HttpResponse("ok")


urlpatterns = [path("health", health)]
sockets = URLRouter([path("ws/chat/<str:room>/", ChatConsumer.as_asgi())])
application = ProtocolTypeRouter({"http": http, "websocket": sockets})
