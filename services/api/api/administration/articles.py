"""Articles and their tags in the admin."""

from typing import ClassVar

from django.contrib import admin

from api.articles.models import Article, ArticleTag, Tag


class ArticleTagInline(admin.TabularInline):  # type: ignore[type-arg]  # which Django's classes do not take at run time
    """The tags of an article."""

    model = ArticleTag
    extra = 1


@admin.register(Article)
class ArticleAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # which Django's classes do not take at run time
    """Articles, newest first."""

    list_display: ClassVar = ["title", "author", "published", "created_at"]
    list_filter: ClassVar = ["published"]
    list_select_related: ClassVar = ["author"]
    search_fields: ClassVar = ["title", "slug"]
    ordering: ClassVar = ["-created_at", "-id"]
    raw_id_fields: ClassVar = ["author"]
    prepopulated_fields: ClassVar = {"slug": ["title"]}
    inlines: ClassVar = [ArticleTagInline]


@admin.register(Tag)
class TagAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # which Django's classes do not take at run time
    """Tags by name."""

    ordering: ClassVar = ["name"]
    search_fields: ClassVar = ["name"]
