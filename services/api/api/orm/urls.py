"""Paths below `/api/orm/`."""

from django.urls import URLPattern, path

from api.orm import views

plain: list[URLPattern] = []

controllers = [path("orm/", views.OrmController.as_view())]
