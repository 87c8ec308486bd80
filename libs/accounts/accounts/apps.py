"""The Django app."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Users, sessions, tokens, tickets."""

    name = "accounts"
