"""Paths under ASGI."""

from django.urls import path

from bench.peers.django import views

urlpatterns = [path("api/items/", views.items)]
