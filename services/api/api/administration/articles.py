"""Articles and their tags in the admin."""

from django.contrib import admin

from api.articles.models import Article, ArticleTag, Tag


class ArticleTagInline(admin.TabularInline):  # type: ignore[type-arg]  # which Django's classes do not take at run time
    """The tags of an article."""

    model = ArticleTag
    extra = 1


@admin.register(Article)
class ArticleAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # which Django's classes do not take at run time
    """Articles, newest first."""

    list_display = ["title", "author", "published", "created_at"]
    list_filter = ["published"]
    list_select_related = ["author"]
    search_fields = ["title", "slug"]
    ordering = ["-created_at", "-id"]
    raw_id_fields = ["author"]
    prepopulated_fields = {"slug": ["title"]}
    inlines = [ArticleTagInline]


@admin.register(Tag)
class TagAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # which Django's classes do not take at run time
    """Tags by name."""

    ordering = ["name"]
    search_fields = ["name"]
