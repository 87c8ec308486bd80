"""Django's own WSGI handler."""

import os

from django.core.wsgi import get_wsgi_application

os.environ["DJANGO_SETTINGS_MODULE"] = "bench.peers.django.settings"
os.environ["PEER_URLCONF"] = "bench.peers.django.urls_sync"
app = get_wsgi_application()
