"""HTTP paths: health and metrics. Chat itself is routed in `asgi.py`."""

from django.urls import include, path

from chassis import health, metrics

urlpatterns = [
    path("", include(health.urlpatterns)),
    path("metrics", metrics.metrics),
]

handler400 = "chassis.errors.bad_request"
handler403 = "chassis.errors.permission_denied"
handler404 = "chassis.errors.not_found"
handler500 = "chassis.errors.server_error"
