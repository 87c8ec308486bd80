"""django-ninja under Django's own ASGI handler."""

import os

from django.core.asgi import get_asgi_application

os.environ["DJANGO_SETTINGS_MODULE"] = "bench.peers.django.settings"
os.environ["PEER_URLCONF"] = "bench.peers.ninja.urls"
app = get_asgi_application()
