"""Pages of articles: each exactly once, whatever is written meanwhile and whatever a client sends."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from accounts.models import User
from api.articles import cursor
from api.articles.models import Article
from chassis.errors import BadRequest
from testing.database import in_scope

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
# The fixtures are the same for all examples of a test, which is what makes it fast.
SHARED = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


async def _make(user: User, ages: list[int], prefix: str = "a") -> set[str]:
    """Articles written so many seconds before noon."""
    articles = [
        Article(
            slug=f"{prefix}{number}",
            title="x",
            body="",
            author_id=user.pk,
            created_at=NOON - timedelta(seconds=age),
        )
        for number, age in enumerate(ages)
    ]
    await Article.async_objects.abulk_create(articles)
    return {article.slug for article in articles}


async def fetch(client: httpx.AsyncClient, **query: Any) -> dict[str, Any]:
    """A page."""
    response = await client.get("/api/articles/", params={k: v for k, v in query.items() if v is not None})
    assert response.status_code == 200
    page: dict[str, Any] = response.json()
    return page


async def test_newest_first(user_client: httpx.AsyncClient, user: User) -> None:
    """Of two from the same moment, the later row."""
    await in_scope(_make(user, [3, 0, 1, 0]))
    page = await fetch(user_client)
    assert [article["slug"] for article in page["articles"]] == ["a3", "a1", "a2", "a0"]
    assert page["next"] is None


async def test_no_next_after_a_full_last_page(user_client: httpx.AsyncClient, user: User) -> None:
    """A last page that is full is still the last."""
    await in_scope(_make(user, [0, 1]))
    assert (await fetch(user_client, limit=2))["next"] is None


@SHARED
@given(
    ages=st.lists(st.integers(0, 5), max_size=12),
    limit=st.integers(1, 5),
    late=st.lists(st.integers(-5, 5), max_size=6),
)
async def test_walking_shows_each_exactly_once(
    user_client: httpx.AsyncClient, user: User, ages: list[int], limit: int, late: list[int]
) -> None:
    """Every article that was there at the start, once, though more are written, also backdated, between the pages."""
    await in_scope(Article.async_objects.all().adelete())
    expected = await in_scope(_make(user, ages))
    seen: list[str] = []
    after = None
    for number in range(len(ages) + len(late) + 2):
        page = await fetch(user_client, limit=limit, after=after)
        assert len(page["articles"]) <= limit
        seen += [article["slug"] for article in page["articles"]]
        after = page["next"]
        if after is None:
            break
        if number < len(late):
            await in_scope(_make(user, [late[number]], prefix=f"late{number}-"))
    assert after is None
    assert len(seen) == len(set(seen))
    assert expected <= set(seen)


@SHARED
@given(after=st.text(max_size=70), limit=st.one_of(st.integers(), st.text(max_size=5)))
async def test_no_query_breaks_it(user_client: httpx.AsyncClient, after: str, limit: int | str) -> None:
    """Any `after` and `limit` is a page or a 400."""
    response = await user_client.get("/api/articles/", params={"after": after, "limit": str(limit)})
    assert response.status_code in (200, 400)


@SHARED
@given(micros=st.integers(-(2**63), 2**63 - 1), identifier=st.integers(-(2**63), 2**63 - 1))
async def test_no_forged_cursor_breaks_it(user_client: httpx.AsyncClient, micros: int, identifier: int) -> None:
    """Well-formed cursors of moments and ids that never were, neither."""
    forged = base64.urlsafe_b64encode(cursor._FORM.pack(micros, identifier)).decode().rstrip("=")
    assert (await user_client.get("/api/articles/", params={"after": forged})).status_code in (200, 400)


@given(
    moment=st.datetimes(timezones=st.just(UTC)),
    identifier=st.integers(0, 2**63 - 1),
)
def test_a_cursor_is_its_position(moment: datetime, identifier: int) -> None:
    """To the microsecond."""
    assert cursor.decode(cursor.encode((moment, identifier))) == (moment, identifier)


@given(st.text(max_size=64))
@example("AAZHXvZXTzUAAAAAAAAA-w")
@example("_____________________w")
@example("+/+/+/+/+/+/+/+/+/+/+A")
def test_no_text_breaks_a_cursor(text: str) -> None:
    """It is the position that has this cursor, or refused."""
    try:
        position = cursor.decode(text)
    except BadRequest as error:
        assert error.message == "Invalid cursor"  # noqa: PT017 - either outcome is right
    else:
        # Either alphabet is read, and the last character has bits that say nothing.
        assert cursor.encode(position)[:-1] == text.rstrip("=").translate(str.maketrans("+/", "-_"))[:-1]


def test_a_cursor_as_clients_hold_it() -> None:
    """A cursor that an earlier release gave out is read by this one; it needs no escaping in a URL, and no padding."""
    position = (datetime(2026, 1, 2, 3, 4, 5, 678901, UTC), 251)
    assert cursor.encode(position) == "AAZHXvZXTzUAAAAAAAAA-w"
    assert cursor.decode("AAZHXvZXTzUAAAAAAAAA-w") == position


@pytest.mark.parametrize("text", ["AAZHXvZXTzUAAAAAAAAA-w-w-w", "AAZHXvZXTzUAAAAAAAA", "AAZHX ZXTErUAAAAAAAAA-w"])
def test_no_cursor(text: str) -> None:
    """Other letters, too many or too few of them are refused."""
    with pytest.raises(BadRequest, match=r"^Invalid cursor$"):
        cursor.decode(text)


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "after=", "after=x", "tag=A", "author=a b", "author="])
async def test_refused(user_client: httpx.AsyncClient, query: str) -> None:
    """400 with the reason."""
    response = await user_client.get(f"/api/articles/?{query}")
    assert response.status_code == 400
    assert response.json()["error"]
