"""Settings of the realtime service."""

from chassis.settings import *  # noqa: F403 - a settings module is its names

ROOT_URLCONF = "realtime.urls"
