"""Settings of the api."""

from chassis.env import env
from chassis.settings import *  # noqa: F403 - a settings module is its names

ROOT_URLCONF = "api.urls"
UPSTREAM_URL = env.str("UPSTREAM_URL", "http://127.0.0.1:8002").rstrip("/")
# Where a browser finds the realtime service; handed to pages and API clients.
REALTIME_URL = env.str("REALTIME_URL", "ws://127.0.0.1:8001").rstrip("/")

INSTALLED_APPS += ["django.contrib.staticfiles", "dmr", "api.demo"]  # noqa: F405
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
STATIC_URL = "/static/"
