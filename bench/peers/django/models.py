"""The tables of W2."""

from django.db import models
from django.utils import timezone


class Row(models.Model):
    """Columns that both tables have."""

    name = models.CharField(max_length=100)
    price = models.IntegerField()
    active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        """Its subclasses have the tables."""

        abstract = True

    def as_dict(self) -> dict[str, object]:
        """For the encoder."""
        return {
            "id": self.pk,
            "name": self.name,
            "price": self.price,
            "active": self.active,
            "created_at": self.created_at,
        }


class Item(Row):
    """A row that is read."""

    class Meta:
        """Made by `bench.items`."""

        app_label = "stock"
        db_table = "bench_item"
        managed = False


class Entry(Row):
    """A row that is written."""

    class Meta:
        """Made by `bench.items`."""

        app_label = "stock"
        db_table = "bench_entry"
        managed = False
