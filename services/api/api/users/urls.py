"""Paths below `/api/users/`."""

from django.urls import path

from api.users import views

# `export` is a plain view: OpenAPI has no word for a stream of lines that a typed controller could check.
plain = [path("users/export/", views.export)]

controllers = [
    path("users/", views.UsersController.as_view()),
    path("users/<int:user_id>/", views.UserController.as_view()),
    path("users/<int:user_id>/detail/", views.UserDetailController.as_view()),
]
