"""Paths of signing in and out."""

from django.urls import path

from api.sign_in.session import SessionController
from api.sign_in.ticket import TicketController
from api.sign_in.views import LoginController, LogoutController, MeController, RegisterController

controllers = [
    path("register/", RegisterController.as_view()),
    path("login/", LoginController.as_view()),
    path("logout/", LogoutController.as_view()),
    path("me/", MeController.as_view()),
    path("session/", SessionController.as_view()),
    path("ws-ticket/", TicketController.as_view()),
]
