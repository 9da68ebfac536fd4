"""Staff see the chain of seals, and what its verifications found."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone

from audit.changelist import EstimatingPaginator
from audit.models import ChainCheck, Seal
from audit.read_only import ReadOnlyAdmin
from audit.record import UnknownKey
from audit.seal_record import is_genuine
from cliqtel_portal.ids import moment_of


@admin.register(Seal)
class SealAdmin(ReadOnlyAdmin):
    list_display = ("number", "kind", "count", "up_to", "sealed_at", "digest")
    list_filter = ("kind",)
    date_hierarchy = "sealed_at"
    search_fields = ("=number", "=digest")
    search_help_text = "The seal's number or digest."
    ordering = ("-number",)
    paginator = EstimatingPaginator
    fields = (
        "number",
        "kind",
        "count",
        "low",
        "high",
        "up_to",
        "sealed_at",
        "content",
        "previous",
        "digest",
        "genuine",
        "mac_key_id",
        "mac",
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        # Up to 240 kB each.
        return super().get_queryset(request).defer("members")

    @admin.display(description="up to (UTC)")
    def up_to(self, seal: Seal) -> str:
        return f"{timezone.localtime(moment_of(seal.high)):%Y-%m-%d %H:%M:%S}"

    @admin.display(description="genuine")
    def genuine(self, seal: Seal) -> str:
        try:
            genuine = is_genuine(seal)
        except UnknownKey:
            return f"Can't be told: the key {seal.mac_key_id} is not in AUDIT_OLD_KEYS."
        if not genuine:
            return "NO: this seal was changed or forged."
        return "Yes: the code fits. Its rows are checked by `manage.py verify_audit`."


@admin.register(ChainCheck)
class ChainCheckAdmin(ReadOnlyAdmin):
    list_display = ("checked_at", "outcome", "rows", "first_seal", "last_seal", "sealed_up_to")
    fields = (*list_display, "problem")
    date_hierarchy = "checked_at"
    search_fields = ("problem",)
    search_help_text = "What was found: a row's or seal's number, or words."
    ordering = ("-id",)

    @admin.display(description="outcome")
    def outcome(self, check: ChainCheck) -> str:
        return str(check)
