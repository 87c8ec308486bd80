"""Paths under WSGI."""

from django.urls import path

from bench.peers.django import rows_sync, views

urlpatterns = [
    path("api/items/", views.items_sync),
    path("rows/", rows_sync.rows),
    path("rows/singles/", rows_sync.singles),
    path("rows/<int:item_id>/", rows_sync.one),
]
