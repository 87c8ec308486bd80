"""The stock project with django-bolt, which brings its own server and middleware."""

from bench.peers.django.settings import *  # noqa: F403 - a settings module is its names

INSTALLED_APPS = [*INSTALLED_APPS, "django_bolt"]  # noqa: F405
BOLT_API = ["bench.peers.bolt.api:api"]
MIDDLEWARE: list[str] = []
