"""HTTP paths: health, metrics, traces and the protocol's document. Chat itself is routed in `asgi.py`."""

from django.urls import include, path

from chassis import health, metrics
from realtime import asyncapi, traces

urlpatterns = [
    path("", include(health.urlpatterns)),
    path("metrics", metrics.metrics),
    path("traces", traces.traces),
    path("asyncapi.json", asyncapi.asyncapi_json),
]

handler400 = "chassis.errors.bad_request"
handler403 = "chassis.errors.permission_denied"
handler404 = "chassis.errors.not_found"
handler500 = "chassis.errors.server_error"
