"""Every path of the api. Typed controllers are routed through one router, which is also the OpenAPI document."""

from django.urls import include, path
from dmr.openapi import OpenAPIConfig, build_schema
from dmr.routing import Router

from api.administration import urls as administration
from api.articles import urls as articles
from api.console import urls as console
from api.docs.views import Documentation
from api.gather import urls as gather
from api.orm import urls as orm
from api.rooms import urls as rooms
from api.sign_in import urls as sign_in
from api.static_files import favicon, static_file
from api.tour import urls as tour
from api.users import urls as users
from chassis import health, metrics
from chassis.methods import READ, only

router = Router(
    "api/",
    [
        *users.controllers,
        *sign_in.controllers,
        *articles.controllers,
        *rooms.controllers,
        *tour.controllers,
        *gather.controllers,
        *orm.controllers,
    ],
)
documentation = Documentation(build_schema(router, config=OpenAPIConfig(title="Millrace", version="0.1.0")))

urlpatterns = [
    *console.plain,
    *administration.plain,
    path("", include(health.urlpatterns)),
    path("metrics", metrics.metrics),
    path("static/<path:path>", static_file),
    path("favicon.ico", favicon),
    path("api/openapi.json", only(*READ)(documentation.openapi_json)),
    path("api/docs/", only(*READ)(documentation.page)),
    path("api/", include([*users.plain, *rooms.plain, *tour.plain, *gather.plain, *orm.plain])),
    router.to_urlpatterns(),
]

handler400 = "chassis.errors.bad_request"
handler403 = "chassis.errors.permission_denied"
handler404 = "chassis.errors.not_found"
handler500 = "chassis.errors.server_error"
