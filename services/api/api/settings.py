"""Settings of the api."""

from http import HTTPStatus

from environs import validate

from api.gather.resources import RESOURCES as LEGS
from chassis.env import env, rate
from chassis.settings import *  # noqa: F403 - a settings module is its names
from chassis.upstream.switches import NAMES

_POSITIVE = validate.Range(0, min_inclusive=False)

ROOT_URLCONF = "api.urls"
UPSTREAM_URL = env.str("UPSTREAM_URL", "http://127.0.0.1:8002").rstrip("/")
# Milliseconds: of a whole gather, and of one of its legs with all its attempts.
GATHER_DEADLINE_MS = env.float("GATHER_DEADLINE_MS", 800, validate=_POSITIVE)
GATHER_LEG_TIMEOUT_MS = env.float("GATHER_LEG_TIMEOUT_MS", 700, validate=_POSITIVE)
# Legs without which there is no answer; the others may be missing from it.
GATHER_MANDATORY: list[str] = env.list("GATHER_MANDATORY", [], validate=validate.ContainsOnly(LEGS))
# Mechanisms to do without (see chassis.upstream.switches).
GATHER_WITHOUT: list[str] = env.list("GATHER_WITHOUT", [], validate=validate.ContainsOnly(NAMES))
# Requests of one leg at once, a process, and those that may wait for a place.
GATHER_CONCURRENCY = env.int("GATHER_CONCURRENCY", 32, validate=validate.Range(1))
GATHER_LINE = env.int("GATHER_LINE", 64, validate=validate.Range(0))
# Seconds: how long a circuit breaker stays open, an answer serves all who ask, and serves where there is none.
GATHER_BREAKER_SECONDS = env.float("GATHER_BREAKER_SECONDS", 5, validate=_POSITIVE)
GATHER_FRESH_SECONDS = env.float("GATHER_FRESH_SECONDS", 1, validate=validate.Range(0))
GATHER_STALE_SECONDS = env.float("GATHER_STALE_SECONDS", 300, validate=_POSITIVE)
# Where a browser finds the realtime service; handed to pages and API clients.
REALTIME_URL = env.str("REALTIME_URL", "ws://127.0.0.1:8001").rstrip("/")

# By client address and name, by address alone, and registrations by address.
LOGIN_RATE = env.str("LOGIN_RATE", "10/minute", validate=rate)
LOGIN_ADDRESS_RATE = env.str("LOGIN_ADDRESS_RATE", "100/minute", validate=rate)
REGISTER_RATE = env.str("REGISTER_RATE", "10/minute", validate=rate)

INSTALLED_APPS += ["django.contrib.staticfiles", "dmr", "api.articles", "api.chat_client", "api.demo", "api.home"]  # noqa: F405
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
# Checks each answer against its declared type. The suites turn it on; in production it would cost every request.
DMR_SETTINGS = {
    "validate_responses": env.bool("VALIDATE_RESPONSES", False),
    # Documented either way; without these two, what is not validated would not be in the OpenAPI document.
    "semantic_responses": True,
    "semantic_auth": True,
    # What a failed validation would answer, which clients never see.
    "exclude_semantic_responses": frozenset({HTTPStatus.UNPROCESSABLE_ENTITY}),
}
STATIC_URL = "/static/"
