"""The base of every typed endpoint: django-modern-rest controllers on msgspec, with our error form.

The types of a method are its contract: they parse and validate the request, render the response and write the OpenAPI
document. What they reject is a 4xx `{"error": "..."}` that says where and why.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, ClassVar, Self

import msgspec
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from dmr import Controller, ResponseSpec
from dmr.endpoint import Endpoint
from dmr.errors import format_error
from dmr.exceptions import DataParsingError, NotAuthenticatedError
from dmr.headers import HeaderSpec
from dmr.metadata import EndpointMetadata
from dmr.openapi.objects import Reference, SecurityRequirement, SecurityScheme
from dmr.parsers import Raw
from dmr.plugins.msgspec import MsgspecJsonParser, MsgspecSerializer
from dmr.security.base import AsyncAuth
from dmr.serializer import BaseSerializer

from chassis.errors import Error, Unauthorized, foreseen, translate


class ErrorBody(msgspec.Struct):
    """What every error answers."""

    error: str


# What `chassis.errors` sends with a status. A header that is not described would turn the response into a 422.
_HEADERS = {
    HTTPStatus.UNAUTHORIZED: {"WWW-Authenticate": HeaderSpec(description="How to authenticate.")},
    HTTPStatus.TOO_MANY_REQUESTS: {"Retry-After": HeaderSpec(description="Seconds to wait.")},
}


def error_spec(status: HTTPStatus, body: type[msgspec.Struct] = ErrorBody) -> ResponseSpec:
    """An error response with the headers that belong to it."""
    return ResponseSpec(body, status_code=status, headers=_HEADERS.get(status))


def responses(*statuses: HTTPStatus) -> list[ResponseSpec]:
    """Error responses that an endpoint documents beyond those that its types imply."""
    return [error_spec(status) for status in statuses]


class SignedIn(AsyncAuth):
    """The endpoint needs a user, by session cookie or Bearer token; `accounts.middleware` has found out who it is."""

    __slots__ = ()

    async def __call__(self, endpoint: Endpoint, controller: Controller[BaseSerializer]) -> Self | None:
        """Itself where somebody is signed in; otherwise django-modern-rest answers 401."""
        user = getattr(controller.request, "user", None)
        return self if user is not None and user.is_authenticated else None

    @property
    def www_authenticate_challenge(self) -> str:
        """How to authenticate, for the header of a 401."""
        return "Bearer"

    def security_schemes(
        self, metadata: EndpointMetadata, controller_cls: type[Controller[BaseSerializer]]
    ) -> dict[str, SecurityScheme | Reference]:
        """Both ways to sign in, for the OpenAPI document."""
        return {
            "bearer": SecurityScheme(type="http", scheme="bearer", description="A token from `POST /api/login/`."),
            "session": SecurityScheme(
                type="apiKey", name="sessionid", security_scheme_in="cookie", description="Set by `POST /api/login/`."
            ),
        }

    def security_requirements(
        self, metadata: EndpointMetadata, controller_cls: type[Controller[BaseSerializer]]
    ) -> list[SecurityRequirement]:
        """Either of them is enough."""
        return [{"bearer": []}, {"session": []}]


class JsonParser(MsgspecJsonParser):
    """A JSON body; what msgspec can decode for nobody (nested too deeply, numbers beyond a double) is a 400 too."""

    __slots__ = ()

    def parse(self, to_deserialize: Raw, *args: Any, **kwargs: Any) -> Any:
        """Python objects, or `DataParsingError`."""
        try:
            return super().parse(to_deserialize, *args, **kwargs)
        except (RecursionError, msgspec.ValidationError) as error:
            raise DataParsingError(str(error)) from None


class JsonController(Controller[MsgspecSerializer]):
    """Base of our controllers. `auth = [SignedIn()]` on a subclass makes it need a user."""

    error_model: ClassVar[Any] = ErrorBody
    parsers: ClassVar[Any] = [JsonParser()]
    # Any endpoint may answer these, whatever it documents; checked against its responses they would turn into a 422.
    exclude_validate_responses: ClassVar[Any] = frozenset(
        {HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.SERVICE_UNAVAILABLE}
    )
    request: HttpRequest

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """As the base class, with HEAD answered by GET; the server leaves out the body, as it does for any HEAD."""
        if request.method == "HEAD" and "HEAD" not in self.api_endpoints and "GET" in self.api_endpoints:
            response: HttpResponseBase = self.api_endpoints["GET"].func(self, *args, **kwargs)
            return response
        return super().dispatch(request, *args, **kwargs)

    def format_error(self, error: str | Exception, **kwargs: Any) -> Any:
        """`{"error": "..."}` from whatever django-modern-rest found wrong."""
        if isinstance(error, NotAuthenticatedError):
            return Unauthorized().payload
        details: Sequence[Mapping[str, Any]] = format_error(error, **kwargs)["detail"]
        return {"error": "; ".join(str(detail["msg"]) for detail in details)}

    async def handle_async_error(self, endpoint: Endpoint, controller: Any, exc: Exception) -> HttpResponse:
        """The response of an exception that `chassis.errors` knows; all others go on to be a logged 500."""
        known = translate(exc)
        if known is None:
            raise exc
        return self.to_known_error(known)

    def to_known_error(self, error: Error) -> HttpResponse:
        """`error` as a response."""
        return foreseen(self.to_error(error.payload, status_code=HTTPStatus(error.status), headers=error.headers))
