"""Paths below `/admin/`."""

from django.contrib import admin
from django.urls import path

from api.administration import articles, rooms, users

REGISTERED = (users, articles, rooms)

plain = [path("admin/", admin.site.urls)]
