"""Paths below `/api/rooms/`."""

from django.urls import path

from api.rooms import members, stream, views

# Plain views: a stream has no response type to check, and a synchronous function view is there to be seen.
plain = [
    path("rooms/<str:room>/events/", stream.room_events),
    path("rooms/<str:room>/notify/sync/", views.notify_sync),
]

controllers = [
    path("rooms/", views.RoomsController.as_view()),
    path("rooms/<str:room>/members/", members.MembersController.as_view()),
    path("rooms/<str:room>/members/<str:username>/", members.MemberController.as_view()),
    path("rooms/<str:room>/messages/", views.MessagesController.as_view()),
    path("rooms/<str:room>/notify/", views.NotifyController.as_view()),
]
