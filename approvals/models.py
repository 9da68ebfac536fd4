"""What waits for a person, what they decided, and who may.

Triggers hold what constraints can't: arguments never change, a price only while pending, statuses
move by the table of `states.py`, none is approved without a decision on its very digest, decisions
are append-only.
"""

from __future__ import annotations

import uuid
from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from approvals import states
from approvals.querysets import (
    ApprovalQuerySet,
    DecisionQuerySet,
    PolicyChangeQuerySet,
    PolicyQuerySet,
)
from approvals.quotes import Quote
from cliqtel_portal.ids import uuid7

_NOT_RUN = {"executed_at__isnull": True, "outcome__isnull": True, "error_code": ""}
_ACTION = r"^[a-z0-9_]{1,40}$"


class Approval(models.Model):
    """One deed that a person allows or forbids, with the exact arguments that would run."""

    Status = states.Status

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey(
        "accounts.Tenant", on_delete=models.PROTECT, related_name="approvals"
    )
    # Which executor runs it.
    action = models.CharField(max_length=40)
    title = models.CharField(max_length=200)
    summary = models.TextField(blank=True)
    arguments = models.JSONField()
    # What it is about (an order, a call flow change, a batch of messages), where that has an id.
    artifact_id = models.UUIDField(null=True, blank=True)
    # {"once", "monthly": decimal strings, "currency"}; null: it costs nothing.
    quote = models.JSONField(null=True, blank=True)
    # The one before, where the price changed while it waited: pages show both.
    previous_quote = models.JSONField(null=True, blank=True)
    requoted_at = models.DateTimeField(null=True, blank=True)
    # First charge of the quote, in its currency: what policies look at.
    amount = models.DecimalField(max_digits=14, decimal_places=6, default=0)
    # Counts quotes: a decision counts only for the one that it was made on.
    round = models.PositiveSmallIntegerField(default=1)
    digest = models.CharField(max_length=64)
    # Words of the AI host, or of whoever writes through it: shown quoted, believed by nobody.
    reason_text = models.TextField(blank=True)
    requester = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="requested_approvals"
    )
    # Of the token and the tool call that drafted it; null where a person did on a page.
    token_id = models.UUIDField(null=True, blank=True)
    call_id = models.UUIDField(null=True, blank=True)
    client_label = models.CharField(max_length=200, blank=True)
    # The token's name at that time: pages show it after the token is gone.
    token_label = models.CharField(max_length=120, blank=True)
    status = models.CharField(max_length=10, choices=states.Status, default=states.Status.PENDING)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True, blank=True)
    # Claims of its execution so far. The number is the fence: only the newest claim may write.
    attempts = models.PositiveSmallIntegerField(default=0)
    # When the scan looks after it (again): set while approved or executing.
    due_at = models.DateTimeField(null=True, blank=True)
    # Why the last attempt brought no outcome and another follows, in words of ours.
    retry_message = models.CharField(max_length=500, blank=True)
    # The executor was called: from here on the deed may have been done.
    begun_at = models.DateTimeField(null=True, blank=True)
    # When its execution ended, well or not.
    executed_at = models.DateTimeField(null=True, blank=True)
    outcome = models.JSONField(null=True, blank=True)
    error_code = models.CharField(max_length=40, blank=True)

    objects = ApprovalQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(action__regex=_ACTION), name="approvals_approval_action_valid"
            ),
            models.CheckConstraint(
                condition=Q(digest__regex=r"^[0-9a-f]{64}$"), name="approvals_approval_digest_valid"
            ),
            models.CheckConstraint(
                condition=Q(amount__gte=0), name="approvals_approval_amount_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(quote__isnull=False) | Q(amount=0),
                name="approvals_approval_amount_is_quoted",
            ),
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("created_at")),
                name="approvals_approval_expires_after_made",
            ),
            models.CheckConstraint(
                condition=Q(
                    status="pending",
                    decided_at__isnull=True,
                    due_at__isnull=True,
                    begun_at__isnull=True,
                    attempts=0,
                    **_NOT_RUN,
                )
                | Q(
                    status__in=["rejected", "expired", "cancelled"],
                    decided_at__isnull=False,
                    due_at__isnull=True,
                    begun_at__isnull=True,
                    attempts=0,
                    **_NOT_RUN,
                )
                | Q(
                    status="approved",
                    decided_at__isnull=False,
                    due_at__isnull=False,
                    begun_at__isnull=True,
                    attempts=0,
                    **_NOT_RUN,
                )
                | Q(
                    status="executing",
                    decided_at__isnull=False,
                    due_at__isnull=False,
                    attempts__gte=1,
                    **_NOT_RUN,
                )
                | Q(
                    status="executed",
                    decided_at__isnull=False,
                    due_at__isnull=True,
                    begun_at__isnull=False,
                    executed_at__isnull=False,
                    outcome__isnull=False,
                    error_code="",
                )
                | (
                    Q(
                        status="failed",
                        decided_at__isnull=False,
                        due_at__isnull=True,
                        executed_at__isnull=False,
                        outcome__isnull=False,
                    )
                    & ~Q(error_code="")
                ),
                name="approvals_approval_status_complete",
            ),
            models.CheckConstraint(
                condition=Q(retry_message="") | Q(status="executing"),
                name="approvals_approval_retry_while_executing",
            ),
            # A call drafts one thing, however often its work is repeated.
            models.UniqueConstraint(fields=["call_id"], name="approvals_approval_one_per_call"),
        ]
        indexes = [
            models.Index(fields=["tenant", "-created_at", "-id"], name="approvals_approval_list"),
            # All tenants' by state, for /metrics: counted in the index alone.
            models.Index(fields=["status"], name="approvals_approval_status"),
            models.Index(
                fields=["tenant", "expires_at"],
                condition=Q(status="pending"),
                name="approvals_approval_inbox",
            ),
            models.Index(
                fields=["expires_at"],
                condition=Q(status="pending"),
                name="approvals_approval_overdue",
            ),
            models.Index(
                fields=["due_at"],
                condition=Q(status__in=["approved", "executing"]),
                name="approvals_approval_due",
            ),
            models.Index(
                fields=["tenant", "artifact_id", "-id"],
                condition=Q(artifact_id__isnull=False),
                name="approvals_approval_artifact",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def price(self) -> Quote | None:
        return Quote.from_json(self.quote) if self.quote is not None else None

    @property
    def idempotency_key(self) -> str:
        """The same for every attempt: an executor does the deed of one key once."""
        return f"approval:{self.pk}"

    def status_at(self, now: datetime) -> states.Status:
        """The status that a reader sees: time runs out before the clock's task has said so."""
        if self.status == states.Status.PENDING and self.expires_at <= now:
            return states.Status.EXPIRED
        return states.Status(self.status)


class Decision(models.Model):
    """What one person said about one quote of an approval. A trigger keeps it for ever."""

    class Verdict(models.TextChoices):
        APPROVE = "approve", "Approve"
        REJECT = "reject", "Reject"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    approval = models.ForeignKey(Approval, on_delete=models.PROTECT, related_name="decisions")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="approval_decisions"
    )
    verdict = models.CharField(max_length=7, choices=Verdict)
    comment = models.CharField(max_length=1000, blank=True)
    # What was on the screen.
    digest_seen = models.CharField(max_length=64)
    round = models.PositiveSmallIntegerField()
    with_password = models.BooleanField(default=False)
    at = models.DateTimeField(default=timezone.now)

    objects = DecisionQuerySet.as_manager()

    class Meta:
        constraints = [
            # A new quote asks the same people again; who has approved may still reject.
            models.UniqueConstraint(
                fields=["approval", "user", "round", "verdict"],
                name="approvals_decision_once_a_round",
            ),
            models.CheckConstraint(
                condition=Q(verdict__in=["approve", "reject"]),
                name="approvals_decision_verdict_valid",
            ),
            models.CheckConstraint(
                condition=Q(digest_seen__regex=r"^[0-9a-f]{64}$"),
                name="approvals_decision_digest_valid",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.verdict} by {self.user}"

    @property
    def tenant_id(self) -> uuid.UUID:
        return self.approval.tenant_id


class Policy(models.Model):
    """A tenant's own rules for one action; without a row the defaults of the settings hold."""

    class DeciderRole(models.TextChoices):
        APPROVER = "approver", "Approvers, admins and owners"
        ADMIN = "admin", "Admins and owners"
        OWNER = "owner", "Owners"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey(
        "accounts.Tenant", on_delete=models.PROTECT, related_name="approval_policies"
    )
    action = models.CharField(max_length=40)
    # [{"from": decimal string, "deciders": 2}, ...] in the tenant's currency; below all: one.
    layers = models.JSONField(default=list, blank=True)
    # In the tenant's currency; null: no amount asks for a second pair of eyes.
    four_eyes_from = models.DecimalField(max_digits=14, decimal_places=6, null=True, blank=True)
    always_four_eyes = models.BooleanField(default=False)
    decider_role = models.CharField(max_length=8, choices=DeciderRole, default=DeciderRole.APPROVER)
    expires_seconds = models.PositiveIntegerField()
    updated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    updated_at = models.DateTimeField(default=timezone.now)

    objects = PolicyQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "policies"
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "action"], name="approvals_policy_one_per_action"
            ),
            models.CheckConstraint(
                condition=Q(action__regex=_ACTION), name="approvals_policy_action_valid"
            ),
            models.CheckConstraint(
                condition=Q(four_eyes_from__isnull=True) | Q(four_eyes_from__gte=0),
                name="approvals_policy_four_eyes_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(decider_role__in=["approver", "admin", "owner"]),
                name="approvals_policy_decider_valid",
            ),
            models.CheckConstraint(
                condition=Q(expires_seconds__gte=300, expires_seconds__lte=30 * 24 * 3600),
                name="approvals_policy_expiry_sane",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action} in {self.tenant}"


class PolicyChange(models.Model):
    """One saving of a policy. A trigger keeps it for ever."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey(
        "accounts.Tenant", on_delete=models.PROTECT, related_name="approval_policy_changes"
    )
    action = models.CharField(max_length=40)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    # The rules as `policies.as_json` writes them; before the first saving, the defaults of then.
    before = models.JSONField()
    after = models.JSONField()

    objects = PolicyChangeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(action__regex=_ACTION), name="approvals_policychange_action_valid"
            ),
        ]
        indexes = [
            models.Index(
                fields=["tenant", "action", "-at", "-id"], name="approvals_policychange_list"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action} in {self.tenant} by {self.actor}"
