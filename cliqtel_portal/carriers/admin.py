"""Staff follow what is owed to carriers, may hurry it, and set the sandbox's faults."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from cliqtel_portal.carriers.models import (
    CarrierOperation,
    SandboxFault,
    SandboxNumber,
    SandboxRequest,
    WebhookReceipt,
)
from cliqtel_portal.carriers.services import try_again_now
from cliqtel_portal.staff_admin import EditedAdmin, ReadOnlyAdmin


@admin.register(CarrierOperation)
class CarrierOperationAdmin(ReadOnlyAdmin):
    list_display = (
        "id",
        "tenant",
        "carrier",
        "kind",
        "state",
        "doubt",
        "error_code",
        "attempts",
        "due_at",
        "created_at",
    )
    list_filter = ("state", "is_uncertain", "kind", "carrier")
    list_select_related = ("tenant",)
    date_hierarchy = "created_at"
    search_fields = ("idempotency_key", "carrier_reference")
    search_help_text = "Idempotency key or the carrier's reference"
    actions = ("try_again",)

    @admin.display(description="doubt", ordering="is_uncertain", empty_value="")
    def doubt(self, operation: CarrierOperation) -> str | None:
        """In words: a red cross beside everything that went well reads as the contrary."""
        return "the carrier may have done it" if operation.is_uncertain else None

    def has_retry_permission(self, request: HttpRequest) -> bool:
        """Rows are edited by nobody: the right to change them is the right to hurry them."""
        return request.user.has_perm("carriers.change_carrieroperation")

    @admin.action(description="Try again now (pending ones only)", permissions=["retry"])
    def try_again(self, request: HttpRequest, queryset: QuerySet[CarrierOperation]) -> None:
        chosen = list(queryset.values_list("pk", flat=True))
        hurried = try_again_now(chosen)
        left = len(chosen) - hurried
        self.message_user(request, f"{hurried} will be tried again now.", messages.SUCCESS)
        if left:
            self.message_user(
                request, f"{left} are not pending: nothing was done.", messages.WARNING
            )


@admin.register(SandboxFault)
class SandboxFaultAdmin(EditedAdmin):
    list_display = ("fault", "kind", "number", "seconds", "times_left", "created_at")
    list_filter = ("fault", "kind")
    date_hierarchy = "created_at"
    search_fields = ("=number",)
    search_help_text = "The number that it is about"
    fields = ("fault", "kind", "number", "seconds", "times_left")


@admin.register(SandboxRequest)
class SandboxRequestAdmin(ReadOnlyAdmin):
    list_display = ("reference", "carrier", "kind", "state", "report_event", "created_at")
    list_filter = ("state", "kind")
    date_hierarchy = "created_at"
    search_fields = ("idempotency_key", "reference")
    search_help_text = "Idempotency key or reference"


@admin.register(SandboxNumber)
class SandboxNumberAdmin(ReadOnlyAdmin):
    list_display = ("number", "carrier", "request")
    list_filter = ("carrier",)
    list_select_related = ("request",)
    search_fields = ("number",)
    search_help_text = "Part of the number (+31…)"


@admin.register(WebhookReceipt)
class WebhookReceiptAdmin(ReadOnlyAdmin):
    list_display = ("event_id", "carrier", "received_at")
    list_filter = ("carrier",)
    date_hierarchy = "received_at"
    search_fields = ("event_id",)
    search_help_text = "The carrier's id of the event"
