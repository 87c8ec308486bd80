"""`/api/articles/`: writing and reading, and what it costs."""

import asyncio
from collections import Counter
from typing import Any

import httpx
import pytest

from accounts.models import User
from api.articles.models import Article, ArticleRead, ArticleTag, Tag
from testing.database import count_queries, in_scope


async def write(client: httpx.AsyncClient, **fields: Any) -> httpx.Response:
    """An article."""
    return await client.post("/api/articles/", json={"title": "One loop", "body": "Many requests.", **fields})


async def slugs(client: httpx.AsyncClient, **query: str) -> list[str]:
    """The slugs of a page."""
    page = (await client.get("/api/articles/", params=query)).json()
    return [article["slug"] for article in page["articles"]]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/articles/"),
        ("POST", "/api/articles/"),
        ("GET", "/api/articles/a/"),
        ("PATCH", "/api/articles/a/"),
        ("DELETE", "/api/articles/a/"),
    ],
)
async def test_needs_a_user(client: httpx.AsyncClient, method: str, path: str) -> None:
    """Articles are for users."""
    response = await client.request(method, path)
    assert (response.status_code, response.json()) == (401, {"error": "Unauthorized"})


async def test_write(user_client: httpx.AsyncClient, user: User) -> None:
    """201 with the article; the caller is its author, tags are created and sorted."""
    response = await write(user_client, tags=["postgresql", "async", "async"])
    body = response.json()
    assert response.status_code == 201
    assert body.pop("created_at") <= body.pop("updated_at")
    assert body == {
        "slug": "one-loop",
        "title": "One loop",
        "author": {"id": user.pk, "username": "ada"},
        "tags": ["async", "postgresql"],
        "published": True,
        "body": "Many requests.",
        "readers": 0,
    }


async def test_tags_are_shared(user_client: httpx.AsyncClient) -> None:
    """A tag exists once, however many articles have it."""
    await write(user_client, tags=["async"])
    await write(user_client, tags=["async"])
    assert await in_scope(Tag.async_objects.acount()) == 1


async def test_a_chosen_slug(user_client: httpx.AsyncClient) -> None:
    """Authors may choose."""
    assert (await write(user_client, slug="chosen")).json()["slug"] == "chosen"


async def test_a_taken_slug(user_client: httpx.AsyncClient) -> None:
    """409, and nothing of the second article is stored, its tags included."""
    await write(user_client, slug="chosen")
    response = await write(user_client, slug="chosen", tags=["new"])
    assert (response.status_code, response.json()) == (409, {"error": "Slug is taken"})
    assert await in_scope(Tag.async_objects.acount()) == 0


async def test_equal_titles_get_different_slugs(user_client: httpx.AsyncClient) -> None:
    """The second gets a suffix."""
    first, second = [(await write(user_client)).json()["slug"] for _ in range(2)]
    assert first == "one-loop"
    assert second.startswith("one-loop-")


async def test_equal_titles_at_once(user_client: httpx.AsyncClient) -> None:
    """Also where both are written at the same time, with the same new tags in different order."""
    answers = await asyncio.gather(
        *(write(user_client, tags=tags) for tags in (["a", "b"], ["b", "a"], ["b", "c", "a"], ["c", "a"]))
    )
    assert [answer.status_code for answer in answers] == [201] * 4
    assert len({answer.json()["slug"] for answer in answers}) == 4


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Цикл", "article"),
        ("Wörter & mehr!", "worter-mehr"),
        ("_a_b_", "a-b"),
        ("x" * 200, "x" * 70),
        ("--", "article"),
    ],
)
async def test_slugs_of_titles(user_client: httpx.AsyncClient, title: str, slug: str) -> None:
    """Whatever the title is, the slug leads back to the article."""
    assert (await write(user_client, title=title)).json()["slug"] == slug
    assert (await user_client.get(f"/api/articles/{slug}/")).status_code == 200


@pytest.mark.parametrize(
    "fields",
    [
        {"title": ""},
        {"title": "  "},
        {"title": "a\nb"},
        {"title": "a\x00"},
        {"title": "x" * 201},
        {"body": "a\x00"},
        {"body": "x" * 100_001},
        {"slug": "A b"},
        {"slug": "a\n"},
        {"tags": ["A"]},
        {"tags": [str(number) for number in range(11)]},
        {"author": "grace"},
    ],
)
async def test_write_refuses(user_client: httpx.AsyncClient, fields: dict[str, Any]) -> None:
    """What is malformed or nobody's to set is 400."""
    assert (await write(user_client, **fields)).status_code == 400


async def test_read(user_client: httpx.AsyncClient) -> None:
    """The article, with the caller among its readers, once however often they open it."""
    await write(user_client)
    for _ in range(2):
        response = await user_client.get("/api/articles/one-loop/")
    assert (response.status_code, response.json()["readers"]) == (200, 1)


async def test_reading_moves_the_mark(user_client: httpx.AsyncClient) -> None:
    """The second time updates the row of the first."""
    await write(user_client)
    await user_client.get("/api/articles/one-loop/")
    first = await in_scope(ArticleRead.async_objects.all().afirst())
    await user_client.get("/api/articles/one-loop/")
    second = await in_scope(ArticleRead.async_objects.all().afirst())
    assert (second.pk, second.read_at > first.read_at) == (first.pk, True)


@pytest.mark.parametrize("slug", ["nowhere", "x" * 80])
async def test_read_nothing(user_client: httpx.AsyncClient, slug: str) -> None:
    """404."""
    response = await user_client.get(f"/api/articles/{slug}/")
    assert (response.status_code, response.json()) == (404, {"error": "Article not found"})


async def test_a_draft_is_its_authors(user_client: httpx.AsyncClient, staff_client: httpx.AsyncClient) -> None:
    """Author and staff see a draft."""
    await write(user_client, published=False)
    assert await slugs(user_client) == await slugs(staff_client) == ["one-loop"]


async def test_a_draft_is_nobody_elses(user_client: httpx.AsyncClient, staff_client: httpx.AsyncClient) -> None:
    """To everybody else it does not exist."""
    await write(staff_client, published=False)
    assert await slugs(user_client) == []
    assert (await user_client.get("/api/articles/one-loop/")).status_code == 404
    assert (await user_client.delete("/api/articles/one-loop/")).status_code == 404


async def test_by_tag(user_client: httpx.AsyncClient) -> None:
    """Only the articles with that tag, with all of their tags."""
    await write(user_client, slug="one", tags=["async", "basics"])
    await write(user_client, slug="two", tags=["basics"])
    page = (await user_client.get("/api/articles/?tag=async")).json()
    assert [(article["slug"], article["tags"]) for article in page["articles"]] == [("one", ["async", "basics"])]


async def test_by_author(user_client: httpx.AsyncClient, staff_client: httpx.AsyncClient) -> None:
    """Only that author's."""
    await write(user_client, slug="adas")
    await write(staff_client, slug="graces")
    assert await slugs(user_client, author="ada") == ["adas"]


async def test_lists_show_no_bodies(user_client: httpx.AsyncClient) -> None:
    """A page is for choosing from."""
    await write(user_client)
    page = (await user_client.get("/api/articles/")).json()
    assert set(page["articles"][0]) == {"slug", "title", "author", "tags", "published", "created_at", "updated_at"}


async def test_queries_of_a_page(user_client: httpx.AsyncClient) -> None:
    """Three statements however many articles: the token, the page with its authors, the tags of all."""
    for _ in range(3):
        await write(user_client, tags=["async", "basics"])
    with count_queries() as statements:
        await user_client.get("/api/articles/")
    assert len(statements) == 3


async def test_queries_of_an_empty_page(user_client: httpx.AsyncClient) -> None:
    """Two: where there are no articles, there are no tags to ask for."""
    with count_queries() as statements:
        await user_client.get("/api/articles/")
    assert len(statements) == 2


async def test_queries_of_one(user_client: httpx.AsyncClient) -> None:
    """Six the second time: token, article, the mark locked and moved, tags, number of readers."""
    await write(user_client, tags=["async"])
    await user_client.get("/api/articles/one-loop/")
    with count_queries() as statements:
        await user_client.get("/api/articles/one-loop/")
    assert len(statements) == 6


async def test_no_thread_is_visited(user_client: httpx.AsyncClient, executor_work: Counter[str]) -> None:
    """Neither by reads nor by writes with their transactions."""
    await write(user_client, tags=["async"])
    await user_client.get("/api/articles/one-loop/")
    await user_client.patch("/api/articles/one-loop/", json={"tags": []})
    await slugs(user_client)
    await user_client.delete("/api/articles/one-loop/")
    assert not executor_work


def test_names_in_logs() -> None:
    """Rows say what they are."""
    article = Article(slug="one", pk=1)
    assert [str(article), str(Tag(name="async"))] == ["one", "async"]
    assert str(ArticleTag(article=article, tag_id=2)) == "article 1 has tag 2"
    assert str(ArticleRead(article=article, user_id=2)) == "user 2 read article 1"
