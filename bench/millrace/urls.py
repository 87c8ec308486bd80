"""The benchmark's paths."""

from django.urls import path

from api.tour.plain import ItemsView
from bench.millrace import items

urlpatterns = [
    path("api/items/", ItemsView.as_view()),
    path("rows/", items.ItemsController.as_view()),
    path("rows/singles/", items.SinglesController.as_view()),
    path("rows/<int:item_id>/", items.OneController.as_view()),
]
handler404 = "chassis.errors.not_found"
handler500 = "chassis.errors.server_error"
