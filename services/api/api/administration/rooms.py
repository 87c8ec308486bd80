"""Rooms with their members, and messages, in the admin."""

from typing import Any

from django.contrib import admin
from django.db.models import F, QuerySet
from django.http import HttpRequest

from api.administration.models import Message
from rooms.models import Membership, Room


class MembershipInline(admin.TabularInline):  # type: ignore[type-arg]  # which Django's classes do not take at run time
    """Who is admitted to a room that is not public."""

    model = Membership
    extra = 0
    raw_id_fields = ["user"]


@admin.register(Room)
class RoomAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # which Django's classes do not take at run time
    """Rooms by name. What delivery counts by is not for people to change."""

    list_display = ["name", "title", "public", "on_demand", "last_seq", "created_at"]
    list_filter = ["public", "on_demand"]
    search_fields = ["name", "title"]
    readonly_fields = ["last_seq", "epoch", "removals", "created_at", "used_at"]
    inlines = [MembershipInline]

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """As Django's; memberships that were taken are counted, which is how processes find whom to send away."""
        super().save_formset(request, form, formset, change)
        if taken := len(formset.deleted_objects):
            Room.objects.filter(pk=form.instance.pk).update(removals=F("removals") + taken)


@admin.register(Message)
class MessageAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # which Django's classes do not take at run time
    """Messages to read: what was said is delivered by its number, and is not changed afterwards."""

    list_display = ["room", "seq", "username", "body", "created_at"]
    list_display_links = ["seq"]
    list_filter = ["room"]
    list_select_related = ["room"]
    search_fields = ["=username", "body"]
    # The order of the table's key, so that a page is a look into its index.
    ordering = ["-room_id", "-seq"]
    show_full_result_count = False

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Message | None:
        """By the two columns that the key is made of; by its text, PostgreSQL would read the whole table."""
        room_id, _, seq = object_id.partition("-")
        if not (room_id.isdecimal() and seq.isdecimal() and len(object_id) <= 38):
            return None
        queryset: QuerySet[Message] = self.get_queryset(request)
        return queryset.filter(room_id=int(room_id), seq=int(seq)).first()

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Messages are posted in a room."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Message | None = None) -> bool:
        """Never."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Message | None = None) -> bool:
        """Never."""
        return False
