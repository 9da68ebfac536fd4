"""What the log gave reason to say: alerts, where they are sent, and what was seen before."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from audit.alert_querysets import AlertQuerySet, SeenNetworkQuerySet, SlackMessageQuerySet
from cliqtel_portal.accounts.querysets import TenantQuerySet
from cliqtel_portal.ids import uuid7


class Alert(models.Model):
    """A rule's finding about one subject: a token, an app's session, or the whole tenant.

    As in the log, labels are copied and token and person are no foreign keys. `details` hold
    numbers, networks and codes: never what a call asked for or answered.
    """

    class Rule(models.TextChoices):
        SCOPE_MISUSE = "scope_misuse", "Calls beyond its scopes"
        ERROR_SPIKE = "error_spike", "Many errors"
        NEW_NETWORK = "new_network", "New network"
        DRAFT_BURST = "draft_burst", "Many drafts"
        ENUMERATION = "enumeration", "Guessed ids"

    class Severity(models.TextChoices):
        WARNING = "warning", "Warning"
        SEVERE = "severe", "Severe"

    class State(models.TextChoices):
        OPEN = "open", "Open"
        ACKNOWLEDGED = "acknowledged", "Acknowledged"
        OVER = "over", "Over"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey("accounts.Tenant", on_delete=models.PROTECT, related_name="+")
    rule = models.CharField(max_length=20, choices=Rule)
    severity = models.CharField(max_length=8, choices=Severity)
    # What it is about: a static token's id, app and person of a session, "" the tenant.
    subject = models.CharField(max_length=320, blank=True)
    token_id = models.UUIDField(null=True, blank=True)
    token_label = models.CharField(max_length=120, blank=True)
    user_id = models.UUIDField(null=True, blank=True)
    user_label = models.CharField(max_length=254, blank=True)
    first_seen_at = models.DateTimeField(default=timezone.now)
    last_seen_at = models.DateTimeField(default=timezone.now)
    # The most that one window held.
    count = models.PositiveIntegerField()
    details = models.JSONField(default=dict, blank=True)
    state = models.CharField(max_length=12, choices=State, default=State.OPEN)
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    objects = AlertQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "rule", "subject"],
                condition=Q(state="open"),
                name="audit_alert_open_unique",
            ),
            models.CheckConstraint(
                condition=Q(
                    rule__in=[
                        "scope_misuse",
                        "error_spike",
                        "new_network",
                        "draft_burst",
                        "enumeration",
                    ]
                ),
                name="audit_alert_rule_valid",
            ),
            models.CheckConstraint(
                condition=Q(severity__in=["warning", "severe"]), name="audit_alert_severity_valid"
            ),
            models.CheckConstraint(
                condition=Q(
                    state="acknowledged",
                    acknowledged_at__isnull=False,
                    acknowledged_by__isnull=False,
                )
                | Q(
                    state__in=["open", "over"],
                    acknowledged_at__isnull=True,
                    acknowledged_by__isnull=True,
                ),
                name="audit_alert_acknowledged_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(last_seen_at__gte=F("first_seen_at")), name="audit_alert_seen_in_order"
            ),
            models.CheckConstraint(condition=Q(count__gte=1), name="audit_alert_count_positive"),
        ]
        indexes = [
            models.Index(fields=["tenant", "-id"], name="audit_alert_tenant"),
            # Whether one like it was acknowledged a moment ago.
            models.Index(fields=["tenant", "rule", "subject", "-id"], name="audit_alert_subject"),
            models.Index(
                fields=["last_seen_at"], condition=Q(state="open"), name="audit_alert_quiet"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_rule_display()}: {self.token_label or 'the account'}"


class SeenNetwork(models.Model):
    """A network from which somebody's token was used, since when and until when."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # As in the log: no foreign key.
    tenant_id = models.UUIDField()
    subject = models.CharField(max_length=320)
    network = models.CharField(max_length=43)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()

    objects = SeenNetworkQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant_id", "subject", "network"], name="audit_network_once"
            ),
        ]
        indexes = [models.Index(fields=["last_seen_at"], name="audit_network_age")]

    def __str__(self) -> str:
        return self.network


class AlertWebhook(models.Model):
    """Where a tenant wants its alerts too. The address is a secret: whoever has it can post."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.OneToOneField("accounts.Tenant", on_delete=models.CASCADE, related_name="+")
    encrypted_url = models.TextField(editable=False)
    # Enough to recognise it by: host and the last four characters.
    hint = models.CharField(max_length=270)
    set_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    set_at = models.DateTimeField(default=timezone.now)

    objects = TenantQuerySet["AlertWebhook"].as_manager()

    def __str__(self) -> str:
        return self.hint


class SlackMessage(models.Model):
    """Outbox: a message to the operator's webhook, or to the tenant's own.

    Written beside what it tells of and sent after the commit; a sender that dies leaves it due.
    """

    class To(models.TextChoices):
        OPERATOR = "operator", "Operator"
        TENANT = "tenant", "Tenant"

    class State(models.TextChoices):
        PENDING = "pending", "Waiting"
        SENT = "sent", "Sent"
        FAILED = "failed", "Failed"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    to = models.CharField(max_length=8, choices=To)
    # Whose webhook, or whose alert; null: a message about the installation.
    tenant = models.ForeignKey(
        "accounts.Tenant", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    alert = models.ForeignKey(
        Alert, on_delete=models.PROTECT, null=True, blank=True, related_name="messages"
    )
    # The same key is the same message: it is sent once.
    key = models.CharField(max_length=120, unique=True)
    text = models.CharField(max_length=3000)
    blocks = models.JSONField(default=list, blank=True)
    state = models.CharField(max_length=8, choices=State, default=State.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(default=timezone.now)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    finished_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=200, blank=True, help_text="In our words.")

    objects = SlackMessageQuerySet.as_manager()

    class Meta:
        verbose_name = "Slack message"
        constraints = [
            models.CheckConstraint(
                condition=Q(to="operator") | Q(to="tenant", tenant__isnull=False),
                name="audit_slack_to_somebody",
            ),
            models.CheckConstraint(
                condition=Q(state="pending", finished_at__isnull=True)
                | Q(state__in=["sent", "failed"], finished_at__isnull=False),
                name="audit_slack_state_valid",
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(state="pending"), name="audit_slack_due"),
            models.Index(fields=["tenant", "-id"], name="audit_slack_tenant"),
            models.Index(fields=["created_at"], name="audit_slack_age"),
        ]

    def __str__(self) -> str:
        return f"{self.key} ({self.state})"
