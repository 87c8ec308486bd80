"""The api's settings with the benchmark's paths; `DUTY` unset: no middleware at all."""

import os

from api.settings import *  # noqa: F403 - a settings module is its names

ROOT_URLCONF = "bench.millrace.urls"
INSTALLED_APPS = [*INSTALLED_APPS, "bench.millrace"]  # noqa: F405
if not os.environ.get("DUTY"):
    MIDDLEWARE = []
