"""One-use tickets: spent by their first use, whatever comes of it."""

import asyncio
from datetime import timedelta

from django.utils import timezone

from accounts import tickets, tokens
from accounts.models import User, WebSocketTicket
from accounts.tickets import Admission
from testing.database import in_scope


async def test_a_ticket_admits_its_user(user: User) -> None:
    """To the room that it is for."""
    ticket = await in_scope(tickets.issue(user, "lobby"))
    assert await in_scope(tickets.use(ticket, "lobby")) == Admission(user.pk, "", None)


async def test_a_ticket_remembers_its_credential(user: User) -> None:
    """So that the socket can be closed when that ends."""
    _, token = await in_scope(tokens.issue(user))
    by_token = await in_scope(tickets.issue(user, "lobby", access_token=token))
    by_session = await in_scope(tickets.issue(user, "lobby", session_key="key"))
    assert await in_scope(tickets.use(by_token, "lobby")) == Admission(user.pk, "", token.pk)
    assert await in_scope(tickets.use(by_session, "lobby")) == Admission(user.pk, "key", None)


async def test_a_ticket_admits_once(user: User) -> None:
    """The second use finds nothing."""
    ticket = await in_scope(tickets.issue(user, "lobby"))
    await in_scope(tickets.use(ticket, "lobby"))
    assert await in_scope(tickets.use(ticket, "lobby")) is None


async def test_of_many_at_once_one_is_admitted(user: User) -> None:
    """Two sockets never share a ticket, however close they come."""
    ticket = await in_scope(tickets.issue(user, "lobby"))
    admissions = await asyncio.gather(*(asyncio.create_task(in_scope(tickets.use(ticket, "lobby"))) for _ in range(8)))
    assert sum(admission is not None for admission in admissions) == 1


async def test_a_ticket_is_for_one_room(user: User) -> None:
    """Trying it elsewhere spends it."""
    ticket = await in_scope(tickets.issue(user, "lobby"))
    assert await in_scope(tickets.use(ticket, "staff")) is None
    assert await in_scope(tickets.use(ticket, "lobby")) is None


async def test_an_expired_ticket(user: User) -> None:
    """After its lifetime it admits nobody."""
    ticket = await in_scope(tickets.issue(user, "lobby"))
    await in_scope(WebSocketTicket.async_objects.all().aupdate(expires_at=timezone.now()))
    assert await in_scope(tickets.use(ticket, "lobby")) is None


async def test_a_made_up_ticket(user: User) -> None:
    """Nor does one that was never issued."""
    assert await in_scope(tickets.use("made up", "lobby")) is None


async def test_buying_sweeps_the_users_expired_tickets(user: User) -> None:
    """Who buys tickets and never uses them fills no table."""
    await in_scope(tickets.issue(user, "lobby"))
    past = timezone.now() - timedelta(seconds=1)
    await in_scope(WebSocketTicket.async_objects.all().aupdate(expires_at=past))
    await in_scope(tickets.issue(user, "lobby"))
    assert await in_scope(WebSocketTicket.async_objects.acount()) == 1


async def test_revoking_a_token_takes_its_tickets(user: User) -> None:
    """A ticket does not outlive the token that it was bought with."""
    _, token = await in_scope(tokens.issue(user))
    ticket = await in_scope(tickets.issue(user, "lobby", access_token=token))
    await in_scope(tokens.revoke(token))
    assert await in_scope(tickets.use(ticket, "lobby")) is None


async def test_a_ticket_does_not_show_its_secret(user: User) -> None:
    """Neither the row nor its name in a log."""
    ticket = await in_scope(tickets.issue(user, "lobby"))
    row = await in_scope(WebSocketTicket.async_objects.all().afirst())
    assert ticket not in (row.digest, str(row))
