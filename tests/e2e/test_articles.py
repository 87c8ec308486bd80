"""`/api/articles/`: writing, reading, finding and paging through articles."""

from typing import Any

import pytest
from tests.e2e.people import NewPerson, Person, unique


async def write(author: Person, **fields: Any) -> dict[str, Any]:
    """A new article of `author` as the api answers it."""
    answer = await author.client.post("/api/articles/", json={"title": unique("Title"), "body": "Text."} | fields)
    assert answer.status_code == 201, answer.text
    article: dict[str, Any] = answer.json()
    return article


def slug_of(prefix: str) -> str:
    """A slug that nobody else has."""
    return unique(prefix).replace("_", "-")


async def test_writing_an_article(alice: Person) -> None:
    """201 with the article: its author, its sorted tags, the slug made from its title."""
    tags = [slug_of("b"), slug_of("a")]
    article = await write(alice, title="An Article, \u00fc!", tags=tags)
    assert article["author"] == {"id": alice.id, "username": alice.username}
    assert article["tags"] == sorted(tags)
    assert article["slug"].startswith("an-article")
    assert (article["title"], article["body"], article["published"]) == ("An Article, \u00fc!", "Text.", True)


async def test_tags_are_shared(alice: Person, bob: Person) -> None:
    """The second article with a tag gets the one that exists, and both are found by it."""
    tag = slug_of("tag")
    slugs = {(await write(author, tags=[tag]))["slug"] for author in (alice, bob)}
    found = (await alice.client.get("/api/articles/", params={"tag": tag})).json()["articles"]
    assert {article["slug"] for article in found} == slugs


async def test_a_slug_is_taken_once(alice: Person) -> None:
    """The same slug again is 409."""
    slug = slug_of("once")
    await write(alice, slug=slug)
    again = await alice.client.post("/api/articles/", json={"title": "Again", "body": "Text.", "slug": slug})
    assert again.status_code == 409
    assert again.json()["error"]


@pytest.mark.parametrize(
    "fields",
    [
        {"title": ""},
        {"title": "two\nlines"},
        {"body": "nul\x00"},
        {"slug": "Not A Slug"},
        {"tags": ["UPPER"]},
        {"by": 1},
    ],
    ids=["blank", "lines", "nul", "slug", "tag", "unknown"],
)
async def test_an_article_that_makes_no_sense_is_refused(alice: Person, fields: dict[str, Any]) -> None:
    """400 with words."""
    answer = await alice.client.post("/api/articles/", json={"title": "Title", "body": "Text."} | fields)
    assert answer.status_code == 400
    assert answer.json()["error"]


async def test_readers_are_counted_once(alice: Person, bob: Person) -> None:
    """Opening an article again does not make another reader."""
    path = f"/api/articles/{(await write(alice))['slug']}/"
    counts = [(await reader.client.get(path)).json()["readers"] for reader in (bob, bob, alice, bob)]
    assert counts == [1, 1, 2, 2]


async def test_pages_bring_each_article_once(new_person: NewPerson) -> None:
    """Walking an author's articles by `next` brings all of them, newest first, then ends."""
    author = await new_person("writer")
    written = [(await write(author))["slug"] for _ in range(5)]
    query, walked, pages = {"author": author.username, "limit": "2"}, [], 0
    while pages < 5:
        page = (await author.client.get("/api/articles/", params=query)).json()
        pages += 1
        walked += [article["slug"] for article in page["articles"]]
        if page["next"] is None:
            break
        query["after"] = page["next"]
        # Written while somebody walks: it moves no other article to a page that was seen already.
        await write(author)
    assert walked == written[::-1]
    assert pages == 3


async def test_a_draft_is_its_authors(alice: Person, bob: Person, staff: Person) -> None:
    """An article that is not published is there for its author and for staff only."""
    path = f"/api/articles/{(await write(alice, published=False))['slug']}/"
    assert [(await viewer.client.get(path)).status_code for viewer in (alice, staff, bob)] == [200, 200, 404]


async def test_changing_an_article(alice: Person) -> None:
    """PATCH changes what is given, replaces all tags, and leaves the slug: links lead to it."""
    article = await write(alice, tags=[slug_of("old")])
    tag = slug_of("new")
    path = f"/api/articles/{article['slug']}/"
    changed = await alice.client.patch(path, json={"title": "Another title", "tags": [tag]})
    assert changed.status_code == 200
    now = (await alice.client.get(path)).json()
    assert (now["title"], now["tags"], now["body"], now["slug"]) == ("Another title", [tag], "Text.", article["slug"])
    assert now["updated_at"] > article["updated_at"]


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
async def test_others_do_not_touch_it(alice: Person, bob: Person, method: str) -> None:
    """Changing or deleting somebody else's article is 403."""
    path = f"/api/articles/{(await write(alice))['slug']}/"
    body = {"title": "Mine now"} if method == "PATCH" else None
    assert (await bob.client.request(method, path, json=body)).status_code == 403
    assert (await alice.client.get(path)).status_code == 200


async def test_deleting_an_article(alice: Person, staff: Person) -> None:
    """Its author deletes it, and staff delete any; then it is 404."""
    for who in (alice, staff):
        path = f"/api/articles/{(await write(alice))['slug']}/"
        deleted = await who.client.delete(path)
        assert (deleted.status_code, deleted.json()) == (200, {"deleted": True})
        gone = await alice.client.get(path)
        assert (gone.status_code, gone.json()) == (404, {"error": "Article not found"})
