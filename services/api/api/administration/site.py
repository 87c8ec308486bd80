"""The admin's site: Django's, behind our own sign-in.

Its views are synchronous: each request runs on a thread of the sync pool, with a synchronous database connection, and
delays nobody else. What Django would want a middleware for (messages, which every request would pay for) is done around
its views here.
"""

from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlencode

from asgiref.sync import async_to_sync
from django.contrib import admin
from django.contrib.messages.storage import default_storage
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import SimpleTemplateResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from accounts import events
from accounts.models import User
from accounts.requests import own_session
from api.console.navigation import SIGN_IN
from api.console.page import page

# The admin's pages have neither inline scripts nor inline styles.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)

type View = Callable[..., HttpResponseBase]


def _update(storage: Any, response: HttpResponseBase) -> None:
    storage.update(response)


class Site(admin.AdminSite):
    """Users, articles, rooms and messages, for staff."""

    site_header = site_title = "Millrace"
    site_url = "/"

    def admin_view(self, view: View, cacheable: bool = False) -> Any:
        """As Django's, with the messages of its middleware and our policy."""
        guarded = super().admin_view(view, cacheable)

        def with_messages(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            storage: Any = default_storage(request)
            request._messages = storage  # type: ignore[attr-defined]  # noqa: SLF001 - where Django looks for it
            response = guarded(request, *args, **kwargs)
            response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
            if isinstance(response, SimpleTemplateResponse) and not response.is_rendered:
                # They are read, and so done with, where the template shows them.
                response.add_post_render_callback(partial(_update, storage))
            else:
                storage.update(response)
            return response

        return with_messages

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Our own sign-in, where guesses are counted and hashing is bounded; a user who is no staff is told so."""
        if request.user.is_authenticated and not self.has_permission(request):
            response = page(request, "administration/not_staff.html")
            response.status_code = 403
            return response
        wanted = request.GET.get("next", "")
        if not url_has_allowed_host_and_scheme(wanted, allowed_hosts=None):
            wanted = reverse("admin:index")
        if self.has_permission(request):
            return HttpResponseRedirect(wanted)
        return HttpResponseRedirect(f"{SIGN_IN.path}?{urlencode({'next': wanted})}")

    def logout(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """As Django's; the sockets that the session opened end with it."""
        user, session = request.user, own_session(request)
        session_key = (session.session_key or "") if session is not None else ""
        response = super().logout(request, extra_context)
        if isinstance(user, User) and session_key and not request.user.is_authenticated:
            async_to_sync(events.announce_sign_out)(user.pk, session_key=session_key)
        return response
