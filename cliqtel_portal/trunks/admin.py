"""Staff see trunks, and when a password was set; never the password."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse

from cliqtel_portal.staff_admin import EditedAdmin, ReadOnlyAdmin, ReadOnlyInline
from cliqtel_portal.trunks.models import CredentialReveal, Trunk, TrunkCredential


class TrunkCredentialInline(ReadOnlyInline):
    model = TrunkCredential
    fields = readonly_fields = ("created_at", "changed_at")
    verbose_name = "password"


@admin.register(Trunk)
class TrunkAdmin(EditedAdmin):
    list_display = (
        "name",
        "tenant",
        "status",
        "authentication",
        "registration_state",
        "last_sip_code",
        "last_sip_at",
    )
    list_filter = ("status", "authentication", "registration_state", "srtp")
    list_select_related = ("tenant",)
    search_fields = ("name", "username", "tenant__name", "tenant__slug")
    search_help_text = "Name, user name or tenant"
    ordering = ("tenant__name", "name")
    date_hierarchy = "created_at"
    raw_id_fields = ("tenant",)
    # What the registrar writes.
    readonly_fields = (
        "registration_state",
        "registered_at",
        "registration_expires_at",
        "user_agent",
        "contact_address",
        "last_sip_code",
        "last_sip_at",
        "created_at",
    )

    inlines = (TrunkCredentialInline,)

    def save_model(self, request: HttpRequest, obj: Trunk, form: Any, change: bool) -> None:
        """What is known by its address has no registration (any more)."""
        if obj.authentication == Trunk.Authentication.IP:
            obj.registration_state = Trunk.Registration.NEVER
            obj.registered_at = obj.registration_expires_at = None
        super().save_model(request, obj, form, change)

    def view_on_site(self, obj: Trunk) -> str:
        return reverse("trunks:detail", args=[obj.pk])


@admin.register(CredentialReveal)
class CredentialRevealAdmin(ReadOnlyAdmin):
    """Who had which password shown; never the password."""

    list_display = ("created_at", "tenant", "trunk", "user_label", "address")
    list_filter = (("tenant", admin.RelatedOnlyFieldListFilter),)
    list_select_related = ("tenant", "trunk")
    search_fields = ("user_label", "trunk__name", "tenant__name", "tenant__slug")
    search_help_text = "Person, trunk or tenant"
    date_hierarchy = "created_at"
    ordering = ("-created_at",)
