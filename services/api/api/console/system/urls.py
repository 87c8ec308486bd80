"""Paths of the page."""

from django.urls import path

from api.console.system import views

plain = [path("system/", views.system)]
