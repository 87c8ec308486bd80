"""The start page."""

from django.urls import path

from api.home import views

plain = [path("", views.home)]
