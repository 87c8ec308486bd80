"""`/api/docs/`: Swagger UI on the generated OpenAPI document, from files that come with django-modern-rest (no CDN)."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from dmr.openapi.dump import json_dumps
from dmr.openapi.openapi import OpenAPI

# Swagger UI writes style attributes and data: images; scripts come from files only, so none may be inline.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class Documentation:
    """The two views of one OpenAPI document, which is built once."""

    def __init__(self, schema: OpenAPI) -> None:
        self._schema: Any = schema.convert()
        self._json = json_dumps(self._schema)

    async def openapi_json(self, request: HttpRequest) -> HttpResponse:
        """`GET /api/openapi.json`: every typed endpoint, what it takes and what it answers."""
        return HttpResponse(self._json, content_type="application/json")

    async def page(self, request: HttpRequest) -> HttpResponse:
        """`GET /api/docs/`; try-it requests carry the CSRF token that the page was given."""
        response = render(request, "dmr/swagger.html", {"title": "Millrace API", "schema": self._schema})
        response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
        return response
