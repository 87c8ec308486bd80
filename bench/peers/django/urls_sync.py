"""Paths under WSGI."""

from django.urls import path

from bench.peers.django import views

urlpatterns = [path("api/items/", views.items_sync)]
