"""Security headers on every response; a view that needs another policy sets the header itself."""

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from async_handler import send_encoded
from chassis.middleware import AsyncMiddleware

HEADERS = {
    # JSON needs nothing: no script, no frame, no form. Pages that do set their own policy.
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    # What an API answers depends on who asks; a cache in between must not keep it.
    "Cache-Control": "no-store",
}
HSTS = "max-age=31536000; includeSubDomains"

_ENCODED = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
_ENCODED_HTTPS = [*_ENCODED, (b"strict-transport-security", HSTS.encode())]
_NAMES = frozenset(name.decode() for name, _ in _ENCODED_HTTPS)


class SecurityHeadersMiddleware(AsyncMiddleware):
    """Adds `HEADERS`, and HSTS where the site is HTTPS only."""

    async def answer(self, request: HttpRequest) -> HttpResponseBase:
        """Answer `request` with the headers set."""
        response = await self.get_response(request)
        headers = _ENCODED_HTTPS if settings.HTTPS_ONLY else _ENCODED
        own = _NAMES.intersection(name.lower() for name in response.headers)
        if own:
            headers = [header for header in headers if header[0].decode() not in own]
        send_encoded(response, headers)
        return response
