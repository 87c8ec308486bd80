"""Paths of the page."""

from django.urls import path

from api.console.sign_in import views

plain = [path("sign-in/", views.sign_in)]
