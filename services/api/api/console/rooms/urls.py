"""Paths of the pages."""

from django.urls import path

from api.console.rooms import views

plain = [path("rooms/", views.rooms), path("rooms/<str:name>/", views.room)]
