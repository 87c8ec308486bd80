"""The benchmark's paths."""

from django.urls import path

from api.tour.plain import ItemsView

urlpatterns = [path("api/items/", ItemsView.as_view())]
handler404 = "chassis.errors.not_found"
handler500 = "chassis.errors.server_error"
