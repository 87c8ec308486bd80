"""`GET /rooms/` and `GET /rooms/<room>/`: a chat as two people at once, whose networks can be broken."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from accounts.models import User
from api.console.page import page
from api.demo.data import LOGINS
from api.rooms import queries
from api.rooms.schemas import RoomOut
from chassis.errors import Forbidden, NotFound, Unauthorized
from chassis.methods import READ, only
from rooms import access


def _user_id(request: HttpRequest) -> int | None:
    return request.user.pk if isinstance(request.user, User) else None


async def _readable(user_id: int | None) -> list[RoomOut]:
    if user_id is None and not settings.ALLOW_GUESTS:
        return []
    return await queries.readable_by(user_id)


@only(*READ)
async def rooms(request: HttpRequest) -> HttpResponse:
    """The rooms that the visitor may read; for a guest those are the public ones."""
    found = await _readable(_user_id(request))
    return page(request, "console/rooms.html", {"rooms": found, "guests": settings.ALLOW_GUESTS})


@only(*READ)
async def room(request: HttpRequest, name: str) -> HttpResponse:
    """The room; where the visitor may not enter it, a page that says why, with the status that the api would have."""
    user_id = _user_id(request)
    try:
        entered = await access.enter(name, user_id)
    except (Unauthorized, Forbidden, NotFound) as error:
        response = page(request, "console/room_closed.html", {"name": name, "error": error})
        response.status_code = error.status
        return response
    context = {
        "room": entered,
        "rooms": await _readable(user_id),
        "logins": [login for login in LOGINS if login.username != getattr(request.user, "username", "")]
        if settings.DEMO
        else [],
    }
    return page(request, "console/room.html", context)
