"""Paths of the page."""

from django.urls import path

from api.console.system import views

plain = [
    path("system/", views.system),
    path("system/state/", views.state),
    path("system/faults/<str:name>/", views.fault),
]
