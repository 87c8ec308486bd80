"""Articles read from the database: true async ORM, keyset pages, the tags of a page in one query."""

from collections.abc import Iterable

from django.db import IntegrityError
from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from api.articles import cursor
from api.articles.models import Article, ArticleRead, ArticleTag
from api.articles.schemas import ArticleOut, ArticlePage, ArticleQuery, ArticleSummary, Author
from chassis.errors import NotFound

# Without the body, which can be a thousand times longer than all of these; `only()` is not among what the async backend
# has, and rows cost less than objects.
_LISTED = ("id", "slug", "title", "author_id", "author__username", "published", "created_at", "updated_at")


def _visible_to(viewer: User) -> Q:
    return Q() if viewer.is_staff else Q(published=True) | Q(author_id=viewer.pk)


async def tags_of(article_ids: Iterable[int]) -> dict[int, list[str]]:
    """The tag names of each article, sorted, in one query; none where there are no articles.

    What `prefetch_related` does, which the async backend lacks.
    """
    tags: dict[int, list[str]] = {identifier: [] for identifier in article_ids}
    if tags:
        links = ArticleTag.async_objects.filter(article_id__in=list(tags)).order_by("tag__name")
        async for article_id, name in links.values_list("article_id", "tag__name"):
            tags[article_id].append(name)
    return tags


async def page(viewer: User, query: ArticleQuery) -> ArticlePage:
    """One page of the articles that `viewer` may see, newest first, in two queries.

    A page starts after a position, not at an offset: it costs the same however deep it is, and an article that is
    written or deleted while somebody walks the pages moves no other one to a page that they have seen or will not see.
    """
    articles = Article.async_objects.filter(_visible_to(viewer))
    if query.tag is not None:
        articles = articles.filter(tags__name=query.tag)
    if query.author is not None:
        articles = articles.filter(author__username=query.author)
    if query.after is not None:
        created_at, identifier = cursor.decode(query.after)
        # The first condition is implied by the second; it is what the index can seek to.
        articles = articles.filter(created_at__lte=created_at)
        articles = articles.filter(Q(created_at__lt=created_at) | Q(id__lt=identifier))
    # One more than asked for tells whether there is a next page, without counting.
    rows = articles.order_by("-created_at", "-id").values_list(*_LISTED)[: query.limit + 1]
    found: dict[int, ArticleSummary] = {}
    async for identifier, slug, title, author_id, username, published, created_at, updated_at in rows:
        author = Author(author_id, username)
        found[identifier] = ArticleSummary(slug, title, author, [], published, created_at, updated_at)
    following = None
    if len(found) > query.limit:
        found.popitem()
        last = next(reversed(found))
        following = cursor.encode((found[last].created_at, last))
    for identifier, tags in (await tags_of(found)).items():
        found[identifier].tags = tags
    return ArticlePage(list(found.values()), following)


async def get(viewer: User, slug: str) -> Article:
    """The article with its author, or `NotFound`, also for somebody else's draft."""
    articles = Article.async_objects.filter(_visible_to(viewer), slug=slug).select_related("author")
    article: Article | None = await articles.afirst()
    if article is None:
        raise NotFound("Article not found")
    return article


async def mark_read(viewer: User, article: Article) -> None:
    """Remember that `viewer` opened `article` now; raises `NotFound` where it was deleted meanwhile."""
    try:
        await ArticleRead.async_objects.aupdate_or_create(
            article_id=article.pk, user_id=viewer.pk, defaults={"read_at": timezone.now()}
        )
    except IntegrityError as error:
        raise NotFound("Article not found") from error


async def shown(article: Article) -> ArticleOut:
    """`article` with what is stored beside it."""
    tags = (await tags_of([article.pk]))[article.pk]
    readers = await ArticleRead.async_objects.filter(article_id=article.pk).acount()
    return ArticleOut(
        article.slug,
        article.title,
        Author(article.author_id, article.author.username),
        tags,
        article.published,
        article.created_at,
        article.updated_at,
        article.body,
        readers,
    )
