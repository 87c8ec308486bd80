"""Settings of the api."""

from http import HTTPStatus

from environs import validate

from api.console import folders
from api.console.system.targets import check as check_targets
from api.gather.resources import RESOURCES as LEGS
from chassis.env import env, rate
from chassis.forwarded import proxies
from chassis.settings import *  # noqa: F403 - a settings module is its names
from chassis.upstream.switches import NAMES

_POSITIVE = validate.Range(0, min_inclusive=False)

ROOT_URLCONF = "api.urls"
# Peers whose forwarded headers are believed, under every server.
FORWARDED_ALLOW_IPS = env.str("FORWARDED_ALLOW_IPS", "", validate=proxies)
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
# Whose metrics the console shows, as name=http://host:port; of a name with several addresses each is asked.
CONSOLE_TARGETS: list[str] = env.list("CONSOLE_TARGETS", [], validate=check_targets)
# Where the runner listens that can cause the demo's faults (a Unix socket's path); none in containers.
FAULTS_SOCKET = env.str("FAULTS_SOCKET", "")

# By client address and name, by address alone, and registrations by address.
LOGIN_RATE = env.str("LOGIN_RATE", "10/minute", validate=rate)
LOGIN_ADDRESS_RATE = env.str("LOGIN_ADDRESS_RATE", "100/minute", validate=rate)
REGISTER_RATE = env.str("REGISTER_RATE", "10/minute", validate=rate)

INSTALLED_APPS += [  # noqa: F405
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "dmr",
    "api.administration.apps.SiteConfig",
    "api.administration.apps.AdministrationConfig",
    "api.articles",
    "api.chat_client",
    "api.console",
    "api.demo",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "DIRS": folders.TEMPLATES,
        "OPTIONS": {
            # The admin's; they look at nothing until a template does.
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
STATICFILES_DIRS = folders.STATIC
# In memory and in the response; the default would write to the session too.
MESSAGE_STORAGE = "django.contrib.messages.storage.cookie.CookieStorage"
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

if DEMO:  # noqa: F405
    MIDDLEWARE += ["api.console.tour.sql.ShowSql"]  # noqa: F405

SILENCED_SYSTEM_CHECKS += [  # noqa: F405
    "admin.E408",  # accounts.middleware is what signs requests in, without a thread
    "admin.E410",  # and what loads their session
    "admin.E409",  # api.administration.site does what Django's middleware for messages does, around the admin only
]
