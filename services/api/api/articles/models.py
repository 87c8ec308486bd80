"""The tables: articles, their tags, and who has read which."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django_async_backend.db.models.base import AsyncModelMixin


class Tag(AsyncModelMixin, models.Model):
    """A word that articles are found by."""

    name = models.CharField(max_length=40, unique=True)

    def __str__(self) -> str:
        return self.name


class Article(AsyncModelMixin, models.Model):
    """An article of `author`; a draft until it is `published`."""

    slug = models.CharField(max_length=80, unique=True)
    title = models.CharField(max_length=200)
    body = models.TextField()
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="articles")
    tags = models.ManyToManyField(Tag, through="ArticleTag", related_name="articles")
    published = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        """The indexes are those that pages walk, of everybody and of one author."""

        indexes: ClassVar = [
            models.Index(fields=["-created_at", "-id"], name="article_newest"),
            models.Index(fields=["author", "-created_at", "-id"], name="article_newest_by_author"),
        ]

    def __str__(self) -> str:
        return self.slug


class ArticleTag(AsyncModelMixin, models.Model):
    """Marks `article` with `tag`. A table of its own, because related managers have no true async form."""

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="+")
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="+")

    class Meta:
        """One row an article and tag."""

        constraints: ClassVar = [models.UniqueConstraint(fields=["article", "tag"], name="article_tag_once")]

    def __str__(self) -> str:
        return f"article {self.article_id} has tag {self.tag_id}"


class ArticleRead(AsyncModelMixin, models.Model):
    """When `user` last opened `article`."""

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    read_at = models.DateTimeField(default=timezone.now)

    class Meta:
        """One row an article and user."""

        constraints: ClassVar = [models.UniqueConstraint(fields=["article", "user"], name="article_read_once")]

    def __str__(self) -> str:
        return f"user {self.user_id} read article {self.article_id}"
