"""Paths of the page."""

from django.urls import path

from api.console.home import views

plain = [path("", views.home)]
