"""Users in the admin."""

from typing import Any

from asgiref.sync import async_to_sync
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.db import transaction
from django.http import HttpRequest

from accounts import events
from accounts.models import User


@admin.register(User)
class UserAdmin(DjangoUserAdmin):  # type: ignore[type-arg]  # which Django's classes do not take at run time
    """Django's, without the sign-in date that our users do not have."""

    list_display = ["username", "email", "is_active", "is_staff", "date_joined"]
    list_filter = ["is_active", "is_staff"]
    fieldsets = [
        (None, {"fields": ["username", "password", "date_joined"]}),
        ("Personal info", {"fields": ["first_name", "last_name", "email"]}),
        ("Permissions", {"fields": ["is_active", "is_staff", "is_superuser", "groups", "user_permissions"]}),
    ]
    readonly_fields = ["date_joined"]

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """As Django's; whoever may not sign in any more is signed out, sockets included."""
        super().save_model(request, obj, form, change)
        if not obj.is_active:
            _sign_out(obj.pk)

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        """As Django's, and signed out."""
        pk = obj.pk
        super().delete_model(request, obj)
        _sign_out(pk)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        """As Django's, and signed out."""
        pks = list(queryset.values_list("pk", flat=True))
        super().delete_queryset(request, queryset)
        for pk in pks:
            _sign_out(pk)


def _sign_out(user_id: int) -> None:
    transaction.on_commit(lambda: async_to_sync(events.announce_sign_out)(user_id))
