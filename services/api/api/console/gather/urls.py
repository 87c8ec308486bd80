"""Paths of the page."""

from django.urls import path

from api.console.gather import faults, views

plain = [path("gather/", views.gather), path("gather/faults/", faults.faults)]
