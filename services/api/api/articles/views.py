"""`/api/articles/`: read by users, written by their authors and by staff."""

from http import HTTPStatus

import msgspec
from dmr import Body, Path, Query, modify

from accounts.models import User
from accounts.requests import signed_in
from api.articles import queries, writing
from api.articles.models import Article
from api.articles.schemas import ArticleIn, ArticleOut, ArticlePage, ArticlePatch, ArticlePath, ArticleQuery
from api.users.schemas import Deleted
from chassis.controllers import JsonController, SignedIn, responses
from chassis.errors import Forbidden

_WRITE_ERRORS = responses(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)


async def _writable(viewer: User, slug: str) -> Article:
    article = await queries.get(viewer, slug)
    if not (viewer.is_staff or viewer.pk == article.author_id):
        raise Forbidden
    return article


class ArticlesController(JsonController):
    """A page of articles; any user writes one."""

    tags = ["Articles"]
    auth = [SignedIn()]

    async def get(self, parsed_query: Query[ArticleQuery]) -> ArticlePage:
        """A page of articles, newest first; drafts are shown to their author and to staff."""
        return await queries.page(signed_in(self.request), parsed_query)

    @modify(
        status_code=HTTPStatus.CREATED,
        extra_responses=responses(HTTPStatus.FORBIDDEN, HTTPStatus.CONFLICT),
    )
    async def post(self, parsed_body: Body[ArticleIn]) -> ArticleOut:
        """Write an article; tags that do not exist yet are created."""
        return await queries.shown(await writing.create(signed_in(self.request), parsed_body))


class ArticleController(JsonController):
    """One article; changed and deleted by its author or by staff."""

    tags = ["Articles"]
    auth = [SignedIn()]

    @modify(extra_responses=responses(HTTPStatus.NOT_FOUND))
    async def get(self, parsed_path: Path[ArticlePath]) -> ArticleOut:
        """The article; opening it counts the caller among its readers."""
        viewer = signed_in(self.request)
        article = await queries.get(viewer, parsed_path.slug)
        await queries.mark_read(viewer, article)
        return await queries.shown(article)

    @modify(extra_responses=_WRITE_ERRORS)
    async def patch(self, parsed_path: Path[ArticlePath], parsed_body: Body[ArticlePatch]) -> ArticleOut:
        """Change the article; the slug stays, because links lead to it."""
        article = await _writable(signed_in(self.request), parsed_path.slug)
        given = msgspec.structs.asdict(parsed_body).items()
        fields = {name: value for name, value in given if value is not msgspec.UNSET}
        tags = fields.pop("tags", None)
        await writing.change(article, fields, tags)
        return await queries.shown(article)

    @modify(status_code=HTTPStatus.OK, extra_responses=_WRITE_ERRORS)
    async def delete(self, parsed_path: Path[ArticlePath]) -> Deleted:
        """Delete the article."""
        await writing.delete(await _writable(signed_in(self.request), parsed_path.slug))
        return Deleted()
