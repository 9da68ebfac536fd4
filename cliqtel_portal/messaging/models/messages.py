"""Messages sent and received, one row each."""

from __future__ import annotations

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from cliqtel_portal.ids import uuid7
from cliqtel_portal.messaging.models import formats
from cliqtel_portal.messaging.models.batches import MessageBatch
from cliqtel_portal.messaging.models.formats import CHANNELS, CURRENCY, E164, ENCODINGS
from cliqtel_portal.messaging.querysets import MessageQuerySet
from cliqtel_portal.money import Money


class Message(models.Model):
    """One SMS or WhatsApp message to or from one number."""

    Channel = formats.Channel

    class Direction(models.TextChoices):
        INBOUND = "inbound", "Received"
        OUTBOUND = "outbound", "Sent"

    class Status(models.TextChoices):
        QUEUED = "queued", "Queued"
        SENT = "sent", "Sent"
        DELIVERED = "delivered", "Delivered"
        UNDELIVERED = "undelivered", "Not delivered"
        REJECTED = "rejected", "Rejected"
        RECEIVED = "received", "Received"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey("accounts.Tenant", on_delete=models.PROTECT, related_name="messages")
    # With what it was sent; null for received ones.
    batch = models.ForeignKey(
        MessageBatch, on_delete=models.PROTECT, null=True, blank=True, related_name="messages"
    )
    direction = models.CharField(max_length=8, choices=Direction)
    channel = models.CharField(max_length=8, choices=formats.Channel, default=formats.Channel.SMS)
    from_number = models.CharField(max_length=16)
    to_number = models.CharField(max_length=16)
    # What people wrote: never in a log, the audit table, admin or a repr.
    body = models.TextField()
    status = models.CharField(max_length=12, choices=Status)
    encoding = models.CharField(max_length=4, default="gsm7")
    segments = models.PositiveSmallIntegerField(default=1)
    # What was booked for it; of a rejected one given back.
    cost = models.DecimalField(max_digits=12, decimal_places=6, default=0)
    currency = models.CharField(max_length=3, default="EUR", validators=[RegexValidator(CURRENCY)])
    # "carrier:id of it": what a delivery report names, and what tells a repeated arrival.
    carrier_reference = models.CharField(max_length=170, blank=True)
    # Why it was rejected or not delivered.
    error_code = models.CharField(max_length=40, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    sent_at = models.DateTimeField(null=True, blank=True)
    # When the phone had it, or the network gave up.
    delivered_at = models.DateTimeField(null=True, blank=True)

    objects = MessageQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["batch", "to_number"], name="messaging_message_once_in_a_batch"
            ),
            models.UniqueConstraint(
                fields=["direction", "carrier_reference"],
                condition=~Q(carrier_reference=""),
                name="messaging_message_reference_unique",
            ),
            models.CheckConstraint(
                condition=Q(direction="inbound", status="received", batch__isnull=True)
                | Q(
                    direction="outbound",
                    status__in=["queued", "sent", "delivered", "undelivered", "rejected"],
                ),
                name="messaging_message_status_fits_direction",
            ),
            models.CheckConstraint(
                condition=Q(channel__in=CHANNELS), name="messaging_message_channel_valid"
            ),
            models.CheckConstraint(
                condition=Q(encoding__in=ENCODINGS), name="messaging_message_encoding_valid"
            ),
            models.CheckConstraint(
                condition=Q(from_number__regex=E164) & Q(to_number__regex=E164),
                name="messaging_message_numbers_e164",
            ),
            models.CheckConstraint(
                condition=Q(segments__gte=1), name="messaging_message_segments_positive"
            ),
            models.CheckConstraint(
                condition=Q(cost__gte=0), name="messaging_message_cost_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(currency__regex=CURRENCY), name="messaging_message_currency_valid"
            ),
        ]
        indexes = [
            models.Index(
                fields=["tenant", "direction", "-created_at"], name="messaging_message_tenant_day"
            ),
            # The list, newest first, and its filters.
            models.Index(fields=["tenant", "-created_at", "-id"], name="messaging_message_list"),
            models.Index(
                fields=["tenant", "status", "-created_at", "-id"], name="messaging_message_status"
            ),
            models.Index(
                fields=["tenant", "channel", "-created_at", "-id"], name="messaging_message_channel"
            ),
            # Those of one number, on its page.
            models.Index(
                fields=["tenant", "from_number", "-created_at"],
                condition=Q(direction="outbound"),
                name="messaging_message_sent_from",
            ),
            models.Index(
                fields=["tenant", "to_number", "-created_at"],
                condition=Q(direction="inbound"),
                name="messaging_message_sent_to",
            ),
            # Who wrote to us on WhatsApp within the last day.
            models.Index(
                fields=["tenant", "to_number", "from_number", "-created_at"],
                condition=Q(direction="inbound"),
                name="messaging_message_window",
            ),
        ]

    def __str__(self) -> str:
        return f"message {self.id}"

    @property
    def cost_money(self) -> Money:
        return Money(amount=self.cost, currency=self.currency)

    @property
    def reason(self) -> str:
        """The error code as words: carriers have many, and pages show them all."""
        return self.error_code.replace("_", " ").capitalize()
