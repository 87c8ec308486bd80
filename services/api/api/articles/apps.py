"""The Django app."""

from django.apps import AppConfig


class ArticlesConfig(AppConfig):
    """Articles with authors and tags."""

    name = "api.articles"
    label = "articles"
