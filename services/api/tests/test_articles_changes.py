"""Changing and deleting articles: what it does, and who may."""

import asyncio

import httpx
import pytest

from accounts.models import User
from api.articles import queries, writing
from api.articles.models import Article, ArticleTag, Tag
from chassis.errors import NotFound
from testing.database import in_scope

from .test_articles import write


async def test_change(user_client: httpx.AsyncClient) -> None:
    """What is given changes, the tags as a whole; what is not stays."""
    before = (await write(user_client, tags=["async", "basics"])).json()
    response = await user_client.patch(
        "/api/articles/one-loop/", json={"title": "Two loops", "tags": ["basics", "new"]}
    )
    after = response.json()
    assert (after["title"], after["tags"], after["body"]) == ("Two loops", ["basics", "new"], "Many requests.")
    assert (after["slug"], after["created_at"]) == (before["slug"], before["created_at"])
    assert after["updated_at"] > before["updated_at"]


async def test_change_nothing(user_client: httpx.AsyncClient) -> None:
    """Leaves all as it was, the time of the last change included."""
    before = (await write(user_client)).json()
    assert (await user_client.patch("/api/articles/one-loop/", json={})).json() == before


async def test_remove_the_tags(user_client: httpx.AsyncClient) -> None:
    """An empty list removes all."""
    await write(user_client, tags=["async"])
    assert (await user_client.patch("/api/articles/one-loop/", json={"tags": []})).json()["tags"] == []


async def test_change_at_once(user_client: httpx.AsyncClient) -> None:
    """Changes of one article's tags follow each other: it ends with the tags of one of them."""
    await write(user_client)
    answers = await asyncio.gather(
        *(user_client.patch("/api/articles/one-loop/", json={"tags": tags}) for tags in (["a", "b"], ["b", "c"], ["a"]))
    )
    assert [answer.status_code for answer in answers] == [200] * 3
    final = (await user_client.get("/api/articles/one-loop/")).json()["tags"]
    assert final in (["a", "b"], ["b", "c"], ["a"])


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
async def test_writes_need_the_author(
    user_client: httpx.AsyncClient, staff_client: httpx.AsyncClient, method: str
) -> None:
    """A reader may not write."""
    await write(staff_client)
    response = await user_client.request(method, "/api/articles/one-loop/", json={})
    assert (response.status_code, response.json()) == (403, {"error": "Forbidden"})


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
async def test_staff_may_write(user_client: httpx.AsyncClient, staff_client: httpx.AsyncClient, method: str) -> None:
    """Staff may."""
    await write(user_client)
    assert (await staff_client.request(method, "/api/articles/one-loop/", json={})).status_code == 200


async def test_delete(user_client: httpx.AsyncClient) -> None:
    """The article is gone with its links and marks; its tags stay."""
    await write(user_client, tags=["async"])
    await user_client.get("/api/articles/one-loop/")
    response = await user_client.delete("/api/articles/one-loop/")
    assert (response.status_code, response.json()) == (200, {"deleted": True})
    assert await in_scope(ArticleTag.async_objects.acount()) == 0
    assert await in_scope(Tag.async_objects.acount()) == 1


async def test_deleted_meanwhile(user: User) -> None:
    """Between the read and the write: not found, and no error of ours."""
    article = Article(slug="gone", title="Gone", body="", author_id=user.pk, pk=1)
    with pytest.raises(NotFound):
        await in_scope(writing.change(article, {"title": "Here"}, None))
    with pytest.raises(NotFound):
        await in_scope(queries.mark_read(user, article))
