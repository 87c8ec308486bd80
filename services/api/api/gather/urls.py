"""Paths below `/api/gather/`."""

from django.urls import URLPattern, path

from api.gather import views

plain: list[URLPattern] = []

controllers = [path("gather/", views.GatherController.as_view())]
