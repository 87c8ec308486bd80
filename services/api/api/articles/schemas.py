"""What the article endpoints take and answer."""

from datetime import datetime
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

LIMIT_MAX = 100
TAGS_MAX = 10

_WORDS = r"^[a-z0-9]+(?:-[a-z0-9]+)*$(?!\n)"
Slug = Annotated[str, Meta(max_length=80, pattern=_WORDS)]
TagName = Annotated[str, Meta(max_length=40, pattern=_WORDS)]
Tags = Annotated[list[TagName], Meta(max_length=TAGS_MAX)]
# PostgreSQL stores no NUL; a title is one line and not blank.
Title = Annotated[str, Meta(max_length=200, pattern=r"^[^\x00\r\n]*[^\x00\s][^\x00\r\n]*$(?!\n)")]
Text = Annotated[str, Meta(max_length=100_000, pattern=r"^[^\x00]*$(?!\n)")]


class Author(Struct):
    """Who wrote an article."""

    id: int
    username: str


class ArticleSummary(Struct):
    """An article as lists show it: without its body."""

    slug: str
    title: str
    author: Author
    tags: list[str]
    published: bool
    created_at: datetime
    updated_at: datetime


class ArticleOut(ArticleSummary):
    """An article; `readers` counts the users who have opened it."""

    body: str
    readers: int


class ArticlePage(Struct):
    """Articles, newest first; `next` is the `after` of the following page, or null on the last one."""

    articles: list[ArticleSummary]
    next: str | None


class ArticleQuery(Struct):
    """`after` is the `next` of the page before; `author` is a user name."""

    after: Annotated[str, Meta(max_length=64)] | None = None
    limit: Annotated[int, Meta(ge=1, le=LIMIT_MAX)] = 20
    tag: TagName | None = None
    author: Annotated[str, Meta(max_length=150, pattern=r"^[\w.@+-]+$(?!\n)")] | None = None


class ArticlePath(Struct):
    """The slug in the path."""

    slug: Slug


class ArticleIn(Struct, forbid_unknown_fields=True):
    """A new article. Without a `slug` it gets one made from its title."""

    title: Title
    body: Text
    slug: Slug | None = None
    tags: Tags = []
    published: bool = True


class ArticlePatch(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The fields to change; `tags` replaces all of them."""

    title: Title | UnsetType = UNSET
    body: Text | UnsetType = UNSET
    tags: Tags | UnsetType = UNSET
    published: bool | UnsetType = UNSET
