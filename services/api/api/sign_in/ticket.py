"""`/api/ws-ticket/`: admission to a room's WebSocket for clients that cannot send a cookie there."""

from http import HTTPStatus

from django.conf import settings
from dmr import Body, modify

from accounts import tickets
from accounts.requests import access_token, own_session, signed_in
from api.sign_in.limits import client_address
from api.sign_in.schemas import TicketIn, TicketOut
from chassis.controllers import JsonController, SignedIn, responses
from rooms import on_demand


class TicketController(JsonController):
    """Tickets are for users; a guest needs none."""

    tags = ["Sign-in"]
    auth = [SignedIn()]

    @modify(
        status_code=HTTPStatus.CREATED,
        extra_responses=responses(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.TOO_MANY_REQUESTS),
    )
    async def post(self, parsed_body: Body[TicketIn]) -> TicketOut:
        """A ticket for one socket of the caller in that room; it ends with the credential it was bought with.

        With `ROOMS_ON_DEMAND` the room is made if there is none: to buy a ticket is to open the room.
        """
        user, session = signed_in(self.request), own_session(self.request)
        room = await on_demand.open_room(parsed_body.room, user.pk, client_address(self.request))
        ticket = await tickets.issue(
            user,
            room.name,
            session_key=(session.session_key or "") if session is not None else "",
            access_token=access_token(self.request),
        )
        seconds = int(tickets.LIFETIME.total_seconds())
        return TicketOut(ticket, seconds, room.name, f"{settings.REALTIME_URL}/ws/chat/{room.name}/")
