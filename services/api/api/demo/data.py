"""What a new stack is filled with, so that there is something to look at."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Login:
    """A demo user; the password is public on purpose, so these exist only where `DEMO` is set."""

    username: str
    password: str
    is_staff: bool = False

    @property
    def role(self) -> str:
        """What the login is for, in one word."""
        return "staff" if self.is_staff else "user"


@dataclass(frozen=True, slots=True)
class DemoRoom:
    """A room with members (for a private one) and its history as (username, message)."""

    name: str
    title: str
    public: bool
    members: tuple[str, ...]
    history: tuple[tuple[str, str], ...]


LOGINS = (
    Login("grace", "millrace-grace", is_staff=True),
    Login("ada", "millrace-ada"),
    Login("alan", "millrace-alan"),
    Login("edsger", "millrace-edsger"),
)

ROOMS = (
    DemoRoom(
        "lobby",
        "Lobby",
        public=True,
        members=(),
        history=(
            ("grace", "Welcome! Everything you see here went through PostgreSQL before it reached your screen."),
            ("ada", "And if Redis dies right now?"),
            ("grace", "Then the next message is found by its number. Try it: kill Redis and keep typing."),
            ("alan", "Numbers without gaps, each shown once. I like a machine that can prove where it is."),
            ("edsger", "Testing shows the presence, not the absence of bugs. So: do run the chaos suite."),
            ("ada", "Open this room in a second window and sign in as alan."),
        ),
    ),
    DemoRoom(
        "python",
        "Async Python",
        public=True,
        members=(),
        history=(
            ("ada", "Which server runs the api here?"),
            ("alan", "uvicorn by default. Ask it yourself: GET /api/mode/"),
            ("edsger", "What happens to everybody else when I call time.sleep in a coroutine?"),
            ("grace", "They wait. docs/tour.md has the measured price, and a test fails if we ever do it."),
            ("alan", "GET /api/orm/ shows the SQL of every async ORM method, side by side."),
        ),
    ),
    DemoRoom(
        "staff",
        "Staff only",
        public=False,
        members=("grace",),
        history=(
            ("grace", "Nobody reads this without a membership: sockets are closed with 4003, requests get a 403."),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class DemoArticle:
    """An article by `author` with `tags`."""

    slug: str
    title: str
    author: str
    tags: tuple[str, ...]
    body: str


ARTICLES = (
    DemoArticle(
        "one-loop-many-requests",
        "One loop, many requests",
        "ada",
        ("async", "basics"),
        "A worker has one event loop. While one request waits for the database, the loop serves another; while one "
        "request computes, nobody else is served. That is the bargain, and every rule in the tour follows from it.",
    ),
    DemoArticle(
        "the-truth-is-in-postgresql",
        "The truth is in PostgreSQL",
        "grace",
        ("delivery", "postgresql", "redis"),
        "A message gets its number under the lock of its room's row and is announced only after the commit. Redis "
        "carries the announcement, which may be lost: the next number shows the gap, which is read from the table.",
    ),
    DemoArticle(
        "threads-are-a-loan",
        "Threads are a loan",
        "alan",
        ("async", "threads"),
        "Synchronous code inside an async service borrows a thread. Borrow from a bounded set and one slow view is "
        "slow; borrow without a bound and the service is.",
    ),
    DemoArticle(
        "ask-three-services-at-once",
        "Ask three services at once",
        "edsger",
        ("async", "upstreams"),
        "Three calls one after the other take the sum of their times, three at once the longest of them. Give each a "
        "deadline and the answer has one too, even when an upstream never replies.",
    ),
)
