"""Django as the Channels tutorial sets it up, on our tables: its own ORM and the stock pub/sub channel layer."""

import os

import dj_database_url

SECRET_KEY = os.environ["SECRET_KEY"]
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "tests.chaos.stock.asgi"
ASGI_APPLICATION = "tests.chaos.stock.asgi.application"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "channels", "accounts", "rooms"]
AUTH_USER_MODEL = "accounts.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": dict(dj_database_url.parse(os.environ["DATABASE_URL"]))}
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [os.environ["REDIS_URL"]]},
    }
}
USE_TZ = True
