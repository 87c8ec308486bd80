"""Paths under ASGI."""

import os

from django.urls import path

from bench.peers.django import gather, rows, views

urlpatterns = [
    path("api/items/", views.items),
    path("api/gather/", gather.shared_client if os.environ.get("SHARED_CLIENT") else gather.own_client),
    path("rows/", rows.rows),
    path("rows/singles/", rows.singles),
    path("rows/<int:item_id>/", rows.one),
]
