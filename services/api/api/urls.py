"""Every path of the api. Typed controllers are routed through one router, which is also the OpenAPI document."""

from django.urls import include, path
from dmr.openapi import OpenAPIConfig, build_schema
from dmr.openapi.views import OpenAPIJsonView
from dmr.routing import Router

from api.users import urls as users
from chassis import health, metrics

router = Router("api/", [*users.controllers])
schema = build_schema(router, config=OpenAPIConfig(title="Millrace", version="0.1.0"))

urlpatterns = [
    path("", include(health.urlpatterns)),
    path("metrics", metrics.metrics),
    path("api/openapi.json", OpenAPIJsonView.as_view(schema)),
    path("api/", include(users.plain)),
    router.to_urlpatterns(),
]

handler400 = "chassis.errors.bad_request"
handler403 = "chassis.errors.permission_denied"
handler404 = "chassis.errors.not_found"
handler500 = "chassis.errors.server_error"
