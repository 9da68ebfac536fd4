from __future__ import annotations

import uuid
from contextlib import suppress

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from cliqtel_portal.numbers.change_models import NumberChange
from cliqtel_portal.numbers.models import (
    EmergencyAddress,
    Offer,
    PhoneNumber,
    Reservation,
    StockNumber,
)
from cliqtel_portal.numbers.order_models import NumberOrder, OrderLine
from cliqtel_portal.numbers.services.emergency import confirm_addresses
from cliqtel_portal.staff_admin import EditedAdmin, ReadOnlyAdmin, ReadOnlyInline

_CONFIRMED_AT_ONCE = 200  # people compare them one by one


def _seen(request: HttpRequest) -> dict[uuid.UUID, uuid.UUID]:
    """The address of each number, as the page before had them; what is no such pair is left out."""
    pairs = {}
    for text in request.POST.getlist("seen"):
        number_id, _, address_id = text.partition(".")
        with suppress(ValueError):
            pairs[uuid.UUID(number_id)] = uuid.UUID(address_id)
    return pairs


@admin.register(PhoneNumber)
class PhoneNumberAdmin(EditedAdmin):
    list_display = [
        "e164",
        "tenant",
        "country",
        "number_type",
        "status",
        "trunk",
        "call_flow",
        "emergency_address",
        "emergency_state",
    ]
    list_filter = ["status", "number_type", "country", "emergency_state", "is_demo"]
    list_select_related = ["tenant", "trunk", "call_flow", "emergency_address"]
    search_fields = ["e164", "tenant__slug", "tenant__name"]
    search_help_text = "Part of the number (+31…), or the tenant."
    date_hierarchy = "created_at"
    raw_id_fields = ["tenant", "trunk", "call_flow", "emergency_address", "release_operation"]
    readonly_fields = ["created_at"]
    actions = ["confirm_emergency_addresses"]

    @admin.action(
        description="The emergency services know the address (pending ones only)",
        permissions=["change"],
    )
    def confirm_emergency_addresses(
        self, request: HttpRequest, queryset: QuerySet[PhoneNumber]
    ) -> HttpResponse | None:
        """Asks with the addresses; what counts is the address that was on the screen."""
        pending = queryset.filter(emergency_state=PhoneNumber.EmergencyState.PENDING)
        if "seen" not in request.POST and pending.exists():
            context = {
                **self.admin_site.each_context(request),
                "title": "Do the emergency services know these addresses?",
                "numbers": pending.select_related("tenant", "emergency_address").order_by("e164")[
                    :_CONFIRMED_AT_ONCE
                ],
            }
            return render(request, "admin/numbers/confirm_addresses.html", context)
        seen = _seen(request)
        confirmed = confirm_addresses(seen, by_label="Cliqtel")
        if confirmed:
            self.message_user(request, f"{confirmed} validated.", messages.SUCCESS)
        if left := len(seen) - confirmed:
            why = "they have another address by now, or were validated already"
            self.message_user(request, f"{left} left as they are: {why}.", messages.WARNING)
        if not seen:
            self.message_user(request, "None of these waits for it.", messages.WARNING)
        return None

    def view_on_site(self, obj: PhoneNumber) -> str:
        return reverse("numbers:detail", args=[obj.pk])

    def has_delete_permission(self, request: HttpRequest, obj: PhoneNumber | None = None) -> bool:
        """Given up by its release, which tells the carrier."""
        return False


@admin.register(NumberChange)
class NumberChangeAdmin(ReadOnlyAdmin):
    """To be read only: the record is append-only."""

    list_display = ["at", "number", "tenant", "kind", "by_label"]
    list_filter = ["kind"]
    list_select_related = ["tenant", "number"]
    search_fields = ["number__e164", "by_label", "tenant__slug", "tenant__name"]
    search_help_text = "Part of the number (+31…), who did it, or the tenant."
    date_hierarchy = "at"
    ordering = ["-at", "-id"]


@admin.register(EmergencyAddress)
class EmergencyAddressAdmin(EditedAdmin):
    list_display = ["label", "tenant", "city", "country", "validated_at"]
    list_filter = ["country"]
    list_select_related = ["tenant"]
    search_fields = ["label", "city", "tenant__slug", "tenant__name"]
    search_help_text = "Label, city or tenant."
    date_hierarchy = "created_at"
    raw_id_fields = ["tenant"]
    readonly_fields = ["created_at"]


@admin.register(StockNumber)
class StockNumberAdmin(EditedAdmin):
    list_display = ["e164", "country", "number_type", "area", "status", "requires_documents"]
    list_filter = ["status", "number_type", "country", "requires_documents", "is_demo"]
    search_fields = ["e164", "area"]
    search_help_text = "Part of the number (+31…), or the area."
    date_hierarchy = "created_at"
    readonly_fields = ["digits", "created_at"]


@admin.register(Reservation)
class ReservationAdmin(EditedAdmin):
    list_display = ["stock_number", "tenant", "created_at", "expires_at", "released_at"]
    list_filter = [("released_at", admin.EmptyFieldListFilter)]
    list_select_related = ["tenant", "stock_number"]
    search_fields = ["stock_number__e164", "tenant__slug", "tenant__name"]
    search_help_text = "Part of the number (+31…), or the tenant."
    date_hierarchy = "created_at"
    raw_id_fields = ["tenant", "stock_number", "order"]
    readonly_fields = ["created_at"]


@admin.register(Offer)
class OfferAdmin(EditedAdmin):
    list_display = ["stock_number", "tenant", "setup_price", "monthly_price", "expires_at"]
    list_filter = ["currency"]
    date_hierarchy = "expires_at"
    list_select_related = ["tenant", "stock_number"]
    search_fields = ["stock_number__e164", "tenant__slug", "tenant__name"]
    search_help_text = "Part of the number (+31…), or the tenant."
    raw_id_fields = ["tenant", "stock_number"]
    readonly_fields = ["created_at"]


class OrderLineInline(ReadOnlyInline):
    model = OrderLine
    fields = ["position", "e164", "setup_price", "monthly_price", "phone_number"]


@admin.register(NumberOrder)
class NumberOrderAdmin(ReadOnlyAdmin):
    list_display = ["id", "tenant", "requested_by", "state", "created_at", "error_code"]
    list_filter = ["state"]
    list_select_related = ["tenant", "requested_by"]
    search_fields = ["=id", "lines__e164", "tenant__slug", "requested_by__email"]
    search_help_text = "Id of the order, part of a number (+31…), tenant or requester."
    date_hierarchy = "created_at"
    ordering = ["-created_at", "-id"]
    inlines = [OrderLineInline]
