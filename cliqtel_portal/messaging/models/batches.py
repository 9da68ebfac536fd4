"""One text to one or many, as somebody asked for it: drafted, then sent or withdrawn."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from cliqtel_portal.ids import uuid7
from cliqtel_portal.messaging.models.formats import CHANNELS, CURRENCY, E164, ENCODINGS, Channel
from cliqtel_portal.messaging.querysets import MessageBatchQuerySet
from cliqtel_portal.money import Money

MAX_RECIPIENTS = 500


class MessageBatch(models.Model):
    """What is sent never changes after the row is made: a trigger holds it.

    A draft waits for an approval, which names it and the digest of its content.
    """

    class State(models.TextChoices):
        DRAFT = "draft", "Waits for approval"
        SENT = "sent", "Sent"
        WITHDRAWN = "withdrawn", "Not sent"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey(
        "accounts.Tenant", on_delete=models.PROTECT, related_name="message_batches"
    )
    # Who asks for the same twice gets the first.
    key = models.CharField(max_length=120)
    state = models.CharField(max_length=9, choices=State)
    channel = models.CharField(max_length=8, choices=Channel)
    from_number = models.CharField(max_length=16)
    recipients = ArrayField(models.CharField(max_length=16), size=MAX_RECIPIENTS)
    # Asked for, but they had said STOP by then.
    opted_out = ArrayField(models.CharField(max_length=16), size=MAX_RECIPIENTS, default=list)
    # What people wrote: never in a log, the audit table, admin or a repr.
    body = models.TextField()
    template_name = models.CharField(max_length=60, blank=True)
    encoding = models.CharField(max_length=4)
    # Of each message.
    segments = models.PositiveSmallIntegerField()
    # Of all together: of a draft what it was to cost, of a sent one what was booked.
    cost = models.DecimalField(max_digits=14, decimal_places=6)
    currency = models.CharField(max_length=3, validators=[RegexValidator(CURRENCY)])
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="message_batches"
    )
    # Of the token that a host used; null and empty where a person did on a page.
    token_id = models.UUIDField(null=True, blank=True)
    token_label = models.CharField(max_length=120, blank=True)
    client_label = models.CharField(max_length=200, blank=True)
    # What it waits, or waited, for; null: it was sent within the limit.
    approval_id = models.UUIDField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    sent_at = models.DateTimeField(null=True, blank=True)

    objects = MessageBatchQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "message batches"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "key"], name="messaging_batch_key_unique"),
            models.UniqueConstraint(
                fields=["approval_id"],
                condition=Q(approval_id__isnull=False),
                name="messaging_batch_one_per_approval",
            ),
            models.CheckConstraint(condition=~Q(key=""), name="messaging_batch_key_present"),
            models.CheckConstraint(
                condition=Q(state="sent", sent_at__isnull=False)
                | Q(state__in=["draft", "withdrawn"], sent_at__isnull=True),
                name="messaging_batch_state_complete",
            ),
            models.CheckConstraint(
                condition=Q(channel__in=CHANNELS, encoding__in=ENCODINGS),
                name="messaging_batch_channel_valid",
            ),
            models.CheckConstraint(
                condition=Q(from_number__regex=E164), name="messaging_batch_sender_e164"
            ),
            models.CheckConstraint(
                condition=Q(recipients__len__gte=1), name="messaging_batch_has_recipients"
            ),
            models.CheckConstraint(
                condition=Q(segments__gte=1, cost__gte=0, currency__regex=CURRENCY),
                name="messaging_batch_cost_valid",
            ),
        ]
        indexes = [
            models.Index(
                fields=["tenant", "-created_at"],
                condition=Q(state="draft"),
                name="messaging_batch_drafts",
            ),
        ]

    def __str__(self) -> str:
        return f"batch {self.id}"

    @property
    def cost_money(self) -> Money:
        return Money(amount=self.cost, currency=self.currency)

    @property
    def is_by_ai_host(self) -> bool:
        return self.token_id is not None
