"""Paths below `/api/articles/`."""

from django.urls import path

from api.articles import views

controllers = [
    path("articles/", views.ArticlesController.as_view()),
    path("articles/<str:slug>/", views.ArticleController.as_view()),
]
