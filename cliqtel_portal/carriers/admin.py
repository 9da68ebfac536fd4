"""Staff follow what is owed to carriers; nobody edits it."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from cliqtel_portal.carriers.models import CarrierOperation


@admin.register(CarrierOperation)
class CarrierOperationAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("id", "tenant", "carrier", "kind", "state", "attempts", "due_at", "created_at")
    list_filter = ("state", "kind", "carrier")
    list_select_related = ("tenant",)
    date_hierarchy = "created_at"
    search_fields = ("idempotency_key", "carrier_reference")
    search_help_text = "Idempotency key or the carrier's reference"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: CarrierOperation | None = None
    ) -> bool:
        return False

    def has_delete_permission(
        self, request: HttpRequest, obj: CarrierOperation | None = None
    ) -> bool:
        return False
