"""The project's one app."""

from django.apps import AppConfig


class StockConfig(AppConfig):
    """A label that is not `django`."""

    name = "bench.peers.django"
    label = "stock"
