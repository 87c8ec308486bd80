"""Articles written to the database; an article and its tags are stored together or not at all."""

import secrets
from collections.abc import Iterable
from typing import Any

from django.db import IntegrityError
from django.utils import timezone
from django.utils.text import slugify
from django_async_backend.db.transaction import async_atomic

from accounts.models import User
from api.articles.models import Article, ArticleTag, Tag
from api.articles.schemas import ArticleIn
from chassis.errors import Conflict, NotFound

# Leaves room for a suffix in the column's 80.
_SLUG_LENGTH = 70
_ATTEMPTS = 5


async def create(author: User, given: ArticleIn) -> Article:
    """A new article of `author`; raises `Conflict` where the slug that they chose is taken."""
    fields = {"author": author, "title": given.title, "body": given.body, "published": given.published}
    async with async_atomic():
        article = await _insert_chosen(given.slug, fields) if given.slug else await _insert(given.title, fields)
        await _add_tags(article, given.tags)
    return article


async def _insert_chosen(slug: str, fields: dict[str, Any]) -> Article:
    article = await _try_insert(slug, fields)
    if article is None:
        raise Conflict("Slug is taken")
    return article


async def _insert(title: str, fields: dict[str, Any]) -> Article:
    base = slugify(title)[:_SLUG_LENGTH].strip("-_").replace("_", "-") or "article"
    slug = base
    for _ in range(_ATTEMPTS):
        article = await _try_insert(slug, fields)
        if article is not None:
            return article
        # Random, not the next number: of many with one title, each would try all the numbers of the others.
        slug = f"{base}-{secrets.token_hex(4)}"
    raise Conflict("No free slug; choose one")


async def _try_insert(slug: str, fields: dict[str, Any]) -> Article | None:
    try:
        # A savepoint, so that a taken slug does not end the transaction around it.
        async with async_atomic():
            article: Article = await Article.async_objects.acreate(slug=slug, **fields)
    except IntegrityError:
        return None
    return article


async def _add_tags(article: Article, names: Iterable[str]) -> None:
    # Always in the same order: two transactions that create the same tags in different ones would wait for each other.
    tags = [(await Tag.async_objects.aget_or_create(name=name))[0] for name in sorted(set(names))]
    await ArticleTag.async_objects.abulk_create([ArticleTag(article_id=article.pk, tag_id=tag.pk) for tag in tags])


async def change(article: Article, fields: dict[str, Any], tags: list[str] | None) -> None:
    """Set `fields` and, where given, replace the tags; raises `NotFound` where the article was deleted meanwhile."""
    if not fields and tags is None:
        return
    fields = {**fields, "updated_at": timezone.now()}
    for name, value in fields.items():
        setattr(article, name, value)
    async with async_atomic():
        try:
            # First: the row's lock makes two changes of one article's tags follow each other.
            await article.async_save(update_fields=list(fields))
        except Article.NotUpdated as error:
            raise NotFound("Article not found") from error
        if tags is not None:
            await ArticleTag.async_objects.filter(article_id=article.pk).adelete()
            await _add_tags(article, tags)


async def delete(article: Article) -> None:
    """Delete `article` with its tags' links and its readers' marks."""
    await article.async_delete()
