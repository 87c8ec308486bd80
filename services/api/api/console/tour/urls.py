"""Paths of the page."""

from django.urls import path

from api.console.tour import views

plain = [
    path("tour/", views.tour),
    path("tour/source/<path:path>", views.source),
]
