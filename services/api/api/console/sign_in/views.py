"""`GET /sign-in/`: sign in or register, then go on to `?next=`."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.http import url_has_allowed_host_and_scheme

from api.console.page import page
from api.demo.data import LOGINS
from chassis.methods import READ, only

START = "/rooms/"


def next_page(wanted: str) -> str:
    """`wanted` where it is a path of this site and not the way back here; `START` otherwise."""
    here = wanted.startswith("/") and url_has_allowed_host_and_scheme(wanted, allowed_hosts=None)
    return wanted if here and not wanted.startswith("/sign-in/") else START


@only(*READ)
async def sign_in(request: HttpRequest) -> HttpResponse:
    """The page; the demo's logins only where this is the demo."""
    return page(
        request,
        "console/sign_in.html",
        {"next": next_page(request.GET.get("next", "")), "logins": LOGINS if settings.DEMO else ()},
    )
