"""The Django app."""

from django.apps import AppConfig


class RoomsConfig(AppConfig):
    """Rooms, memberships, messages."""

    name = "rooms"
