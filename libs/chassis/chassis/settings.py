"""Django settings that both services share. A service's own `settings.py` imports all of them and adds what is its own.

The environment is the only configuration; `.env.example` lists every variable.
"""

from typing import Any

from environs import validate

from chassis.bus.events import GAP, Event, encode
from chassis.database import database_settings
from chassis.env import env, rate
from chassis.logging import logging_config

DEBUG = False
SECRET_KEY = env.str("SECRET_KEY")
SECRET_KEY_FALLBACKS: list[str] = env.list("SECRET_KEY_FALLBACKS", [])
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
# Full origins, scheme and port included: `http://localhost:8000`. Used for CSRF and for the WebSocket handshake.
ALLOWED_ORIGINS: list[str] = env.list("ALLOWED_ORIGINS", [])
CSRF_TRUSTED_ORIGINS = ALLOWED_ORIGINS
HTTPS_ONLY = env.bool("HTTPS_ONLY", True)
DEMO = env.bool("DEMO", False)
# What this process is called: in the database's list of connections, and where the console shows what came from whom.
SERVICE = env.str("SERVICE", "millrace")
ALLOW_GUESTS = env.bool("ALLOW_GUESTS", False)
# Messages that one sender posts, and that are posted to one room, in all processes together.
USER_MESSAGE_RATE = env.str("USER_MESSAGE_RATE", "100/10 seconds", validate=rate)
ROOM_MESSAGE_RATE = env.str("ROOM_MESSAGE_RATE", "1000/10 seconds", validate=rate)
# A public room is made when a user, or a guest if guests are admitted, opens a valid name that has none.
ROOMS_ON_DEMAND = env.bool("ROOMS_ON_DEMAND", False)
# Rooms that one user, and one address, may have made this way, in all processes together.
ROOMS_ON_DEMAND_RATE = env.str("ROOMS_ON_DEMAND_RATE", "10/hour", validate=rate)
ROOMS_ON_DEMAND_ADDRESS_RATE = env.str("ROOMS_ON_DEMAND_ADDRESS_RATE", "20/hour", validate=rate)
# How many such rooms there may be.
ROOMS_ON_DEMAND_MAX = env.int("ROOMS_ON_DEMAND_MAX", 1000, validate=validate.Range(1))
# Seconds after which such a room that is empty may be removed, by `manage daily`.
ROOMS_ON_DEMAND_EMPTY_SECONDS = env.float("ROOMS_ON_DEMAND_EMPTY_SECONDS", 24 * 3600, validate=validate.Range(60))
# Seconds after which a socket whose process renews nothing any more counts as gone.
PRESENCE_LEASE = env.float("PRESENCE_LEASE", 30, validate=validate.Range(1, 3600))

INSTALLED_APPS = [
    # For its `migrate`, which waits for PostgreSQL and lets one run at a time.
    "chassis",
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django_async_backend",
    "channels",
    "accounts",
    "rooms",
]
# The order is a contract (see docs/architecture.md): what is outside applies to everything inside, errors included.
MIDDLEWARE = [
    "chassis.middleware.security.SecurityHeadersMiddleware",
    "chassis.middleware.request.RequestMiddleware",
    "accounts.middleware.SessionMiddleware",
    "accounts.middleware.AuthenticationMiddleware",
    "chassis.middleware.csrf.CsrfMiddleware",
]
# The handler releases connections itself, before the response is sent; the signals would do it again in two more tasks.
ASYNC_BACKEND_DISABLE_REQUEST_SIGNALS = True
# It warns of pools under WSGI; the synchronous connections here are those of a few threads, with a pool of their own.
ASYNC_BACKEND_DISABLE_POOL_WARNING = True

DATABASE_POOL_MAX = env.int("DATABASE_POOL_MAX", 8)
DATABASES = {
    "default": database_settings(
        dict(env.dj_db_url("DATABASE_URL")),
        pool_max=DATABASE_POOL_MAX,
        prepare_threshold=env.int("DATABASE_PREPARE_THRESHOLD", 5, validate=validate.Range(0)),
        application_name=SERVICE,
    )
}
# Seconds for one query of async code, from its first byte to its last; then 503, and its connection is given up.
DATABASE_QUERY_TIMEOUT = env.float("DATABASE_QUERY_TIMEOUT", 2, validate=validate.Range(0, min_inclusive=False))
# Seconds that `manage migrate`, `seed_demo` and `daily` wait for PostgreSQL, the latter two for the migrations too.
DATABASE_WAIT_SECONDS = env.float("DATABASE_WAIT_SECONDS", 0, validate=validate.Range(0, 86_400))
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.str("REDIS_URL")
CHANNEL_LAYERS: dict[str, Any] = {
    "default": {
        "BACKEND": "pubsub_layer.layer.PubSubChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL], "lost_message": encode("", Event(GAP, {}))},
    }
}

AUTH_USER_MODEL = "accounts.User"
SESSION_ENGINE = "accounts.sessions"
SESSION_COOKIE_AGE = 14 * 24 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = HTTPS_ONLY
CSRF_COOKIE_SECURE = HTTPS_ONLY
CSRF_COOKIE_SAMESITE = "Lax"
AUTHENTICATION_BACKENDS = ["accounts.backends.AsyncModelBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

# Seconds within which sockets and streams end whose session, token, user or membership did, where no event told. One
# query a process for all of them.
RECHECK_SECONDS = env.float("RECHECK_SECONDS", 10, validate=validate.Range(0, min_inclusive=False))

# Threads for synchronous views and the synchronous ORM, a process; async code uses none.
SYNC_THREADS = env.int("SYNC_THREADS", 8)
DATA_UPLOAD_MAX_MEMORY_SIZE = env.int("MAX_BODY_BYTES", 1024 * 1024)

USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False

LOG_FORMAT = env.str("LOG_FORMAT", "json", validate=validate.OneOf(["json", "console"]))
LOG_LEVEL = env.str("LOG_LEVEL", "INFO", validate=validate.OneOf(["DEBUG", "INFO", "WARNING", "ERROR"]))
LOGGING = logging_config(LOG_FORMAT, LOG_LEVEL)

SILENCED_SYSTEM_CHECKS = [
    "security.W001",  # chassis.middleware.security sets the same headers without SecurityMiddleware's thread hop
    "security.W002",  # X-Frame-Options too
    "security.W003",  # chassis.middleware.csrf runs Django's own check where a cookie authenticates
]
