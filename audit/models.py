"""The log of calls, and the month's count that always equals its counted rows."""

from __future__ import annotations

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q

from audit.alert_models import Alert, AlertWebhook, SeenNetwork, SlackMessage
from audit.export_models import Export
from audit.querysets import ToolCallQuerySet
from audit.seal_models import ChainCheck, Seal
from cliqtel_portal.ids import uuid7

__all__ = [
    "Alert",
    "AlertWebhook",
    "ChainCheck",
    "Export",
    "MonthlyUsage",
    "Seal",
    "SeenNetwork",
    "SlackMessage",
    "ToolCall",
]


class ToolCall(models.Model):
    """One MCP tool call. Rows are written by `audit.services` only; SQL triggers hold that.

    Labels are copied and nothing is a foreign key: a row says what was true then, and nothing that
    happens to a tenant, person or token changes it. The table is made by SQL (partitions by id).
    """

    class Status(models.TextChoices):
        RUNNING = "running", "Running"
        OK = "ok", "OK"
        ERROR = "error", "Error"

    id = models.UUIDField("call", primary_key=True, default=uuid7, editable=False)
    status = models.CharField(max_length=8, choices=Status)
    started_at = models.DateTimeField()
    duration_ms = models.PositiveIntegerField(null=True)
    tenant_id = models.UUIDField()
    tenant_label = models.CharField(max_length=120)
    user_id = models.UUIDField()
    user_label = models.CharField(max_length=254)
    token_id = models.UUIDField()
    token_label = models.CharField(max_length=120, blank=True)
    client_id = models.CharField("MCP client", max_length=200, blank=True)
    client_label = models.CharField(max_length=120, blank=True)
    tool = models.CharField(max_length=80)
    scope_required = models.CharField(max_length=60, blank=True)
    arguments = models.JSONField(help_text="Redacted.")
    argument_digest = models.CharField(
        max_length=64, help_text="HMAC-SHA256 of the arguments as they were sent."
    )
    result = models.JSONField(null=True, help_text="Safe facts of the outcome.")
    error_code = models.CharField(max_length=40, blank=True)
    address = models.CharField(max_length=45, blank=True)
    protocol_version = models.CharField(max_length=20, blank=True)
    # Adds to the month's count: false for refusals and for executions of approvals.
    counted = models.BooleanField()
    parent_id = models.UUIDField(null=True)
    approval_id = models.UUIDField(null=True)
    actor_id = models.UUIDField(null=True)
    actor_label = models.CharField(max_length=254, blank=True)
    cost_amount = models.DecimalField(max_digits=14, decimal_places=6, null=True)
    cost_currency = models.CharField(max_length=3, blank=True)
    mac_key_id = models.CharField(max_length=20)
    mac = models.CharField(max_length=64)

    objects = ToolCallQuerySet.as_manager()

    class Meta:
        db_table = "mcp_tool_calls"
        verbose_name = "tool call"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["tenant_id", "-id"], name="mcp_calls_tenant"),
            models.Index(fields=["tenant_id", "tool", "-id"], name="mcp_calls_tenant_tool"),
            models.Index(fields=["tenant_id", "user_id", "-id"], name="mcp_calls_tenant_user"),
            models.Index(
                fields=["tenant_id", "scope_required", "-id"], name="mcp_calls_tenant_scope"
            ),
            models.Index(fields=["tenant_id", "token_label", "-id"], name="mcp_calls_tenant_token"),
            # The operators of patterns: "claude-code*" is looked for, too.
            models.Index(
                fields=["tenant_id", "client_label", "-id"],
                name="mcp_calls_tenant_client",
                opclasses=["uuid_ops", "varchar_pattern_ops", "uuid_ops"],
            ),
            models.Index(fields=["tenant_id", "address", "-id"], name="mcp_calls_tenant_address"),
            models.Index(
                fields=["tenant_id", "error_code", "-id"],
                condition=Q(status="error"),
                name="mcp_calls_tenant_errors",
            ),
            models.Index(
                fields=["approval_id", "-id"],
                condition=Q(approval_id__isnull=False),
                name="mcp_calls_approval",
            ),
            models.Index(fields=["token_id", "-id"], name="mcp_calls_token"),
            models.Index(fields=["tool", "-id"], name="mcp_calls_tool"),
            models.Index(fields=["-id"], condition=Q(status="error"), name="mcp_calls_errors"),
            models.Index(
                fields=["started_at"], condition=Q(status="running"), name="mcp_calls_running"
            ),
            # Rows come in the order of time: a BRIN index costs next to nothing.
            BrinIndex(fields=["started_at"], name="mcp_calls_started", autosummarize=True),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["running", "ok", "error"]), name="mcp_calls_status_valid"
            ),
            models.CheckConstraint(
                condition=Q(status="error") | Q(error_code=""), name="mcp_calls_code_on_error"
            ),
            models.CheckConstraint(
                condition=Q(status="running", duration_ms__isnull=True)
                | (~Q(status="running") & Q(duration_ms__isnull=False)),
                name="mcp_calls_duration_when_final",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tool} ({self.id})"

    @property
    def short_id(self) -> str:
        """The end of the id: its beginning is the time, and alike for neighbours."""
        return str(self.id)[-12:]


class MonthlyUsage(models.Model):
    """How many counted calls a tenant made in a calendar month (UTC)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant_id = models.UUIDField()
    month = models.DateField(help_text="Its first day.")
    calls = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "month"], name="audit_usage_tenant_month"),
        ]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}: {self.calls}"


class DailyUsage(models.Model):
    """Calls of a day (UTC) by tool and by who made them: added up from the log by a beat task.

    Pages read this where the log would be too long. `refused` are those that counted nothing: over
    a limit, or not allowed.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant_id = models.UUIDField()
    day = models.DateField()
    tool = models.CharField(max_length=80, blank=True, help_text="Empty: no tool of ours.")
    # A static token; for an app (`client_id`) the person, whose tokens live an hour each.
    source_id = models.UUIDField()
    client_id = models.CharField(max_length=200, blank=True)
    calls = models.PositiveIntegerField()
    errors = models.PositiveIntegerField(help_text="Of the calls.")
    refused = models.PositiveIntegerField()

    class Meta:
        verbose_name_plural = "daily usage"
        constraints = [
            models.UniqueConstraint(
                fields=["tenant_id", "day", "source_id", "client_id", "tool"],
                name="audit_daily_unique",
            ),
            models.CheckConstraint(
                condition=Q(errors__lte=models.F("calls")), name="audit_daily_errors_of_calls"
            ),
        ]
        indexes = [models.Index(fields=["day"], name="audit_daily_day")]

    def __str__(self) -> str:
        return f"{self.day}: {self.tool}"
