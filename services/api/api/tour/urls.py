"""Paths of the tour, below `/api/`."""

from django.urls import path

from api.tour import external, views
from api.tour import plain as plain_views

# Plain views on purpose, to stand beside the typed ones; OpenAPI cannot know what they take and answer.
plain = [
    path("sync/", plain_views.sync),
    path("items/", plain_views.ItemsView.as_view()),
    path("external/sync/", external.external_sync),
]

controllers = [
    path("async/", views.AsyncController.as_view()),
    path("mode/", views.ModeController.as_view()),
    path("external/", external.ExternalController.as_view()),
    path("external/gather/", external.ExternalGatherController.as_view()),
    path("robust/", views.RobustController.as_view()),
]
