"""One member's place in a room: from history to live without a hole."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from accounts import events as accounts_events
from accounts.credentials import Credential
from chassis import bus
from chassis.errors import Error, Unauthorized
from rooms.hub import metrics
from rooms.hub.member import Member
from rooms.hub.reading import Page
from rooms.standing import Place

if TYPE_CHECKING:
    from rooms.hub.feed import Feed

# So many messages a member that brings no place starts with.
NEWEST = 50
# Of events that happen while a member reads history; they are not stored, so the oldest are dropped.
MAX_HELD = 100


class Seat:
    """Made by `Hub.join`. `seq` is the number of the last message that the member was given.

    Once it is `over` the member is given nothing more.
    """

    __slots__ = ("_held", "credential", "deliver", "feed", "member", "over", "seq")

    def __init__(self, feed: Feed, member: Member, credential: Credential | None) -> None:
        self.feed = feed
        self.member = member
        self.credential = credential
        # Looked up once, not for each message.
        self.deliver = member.message
        self.seq = 0
        self.over = False
        self._held: list[tuple[bus.Event, bytes]] | None = []

    async def catch_up(self, since: int | None) -> AsyncIterator[bytes]:
        """The messages that follow number `since`, or the newest `NEWEST`, encoded, oldest first.

        A caller may take its time over each: nothing is held open, and nothing is lost. When it ends the seat is live:
        what follows goes to `member.message`, from the next time on that the caller awaits something. Where `since` is
        ahead of this process (another one served the member, and heard more), what precedes it does not come again.
        """
        page = await self._newest() if since is None else Page([], since, full=False)
        while True:
            for seq, frame in page.messages:
                if self.over:
                    return
                self.seq = seq
                yield frame
            self.seq = max(self.seq, page.complete)
            if self.seq >= self.feed.seq:
                break
            page = await self._next()
        if not self.over:
            self.feed.live[self] = None

    async def _newest(self) -> Page:
        head = self.feed.seq
        newest = self.feed.tail.newest(NEWEST)
        if newest is None:
            return await self.feed.reading.newest_page(NEWEST, head)
        metrics.REPLAYS.labels("memory").inc()
        return Page(newest, head, full=False)

    async def _next(self) -> Page:
        """What follows this place; never beyond what the feed has delivered, which live members would get twice."""
        head = self.feed.seq
        following = self.feed.tail.after(self.seq)
        if following is None:
            return await self.feed.reading.page_after(self.seq, head)
        metrics.REPLAYS.labels("memory").inc()
        return Page(following, head, full=False)

    def release(self) -> None:
        """Give the member the events that happened since it joined, and from now on as they happen."""
        held, self._held = self._held, None
        for event, frame in held or ():
            self.event(event, frame)

    def event(self, event: bus.Event, frame: bytes) -> None:
        """Something happened in the room."""
        if self.over:
            return
        if self._held is None:
            self.member.event(event, frame)
        else:
            self._held.append((event, frame))
            del self._held[:-MAX_HELD]

    @property
    def place(self) -> Place:
        """What decides whether the member may be here."""
        return self.feed.room.id, self.credential

    def heard_of_user(self, event: bus.Event) -> None:
        """Something happened to the member's user."""
        if self.credential is not None and accounts_events.ends(event, self.credential):
            self.end(Unauthorized())

    def end(self, error: Error) -> None:
        """The member has to go, now."""
        if not self.over:
            self.over = True
            self.feed.live.pop(self, None)
            self.member.removed(error)
