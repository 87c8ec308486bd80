"""Django's own ASGI handler."""

import os

from django.core.asgi import get_asgi_application

os.environ["DJANGO_SETTINGS_MODULE"] = "bench.peers.django.settings"
app = get_asgi_application()
