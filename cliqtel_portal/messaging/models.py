"""Messages sent and received, and how many a tenant may send without asking a person."""

from __future__ import annotations

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from cliqtel_portal.ids import uuid7
from cliqtel_portal.messaging.querysets import MessageQuerySet, MessagingLimitQuerySet

_CURRENCY = r"^[A-Z]{3}$"
_E164 = r"^\+[1-9][0-9]{6,14}$"


class Message(models.Model):
    """One SMS or WhatsApp message to or from one number."""

    class Direction(models.TextChoices):
        INBOUND = "inbound", "Received"
        OUTBOUND = "outbound", "Sent"

    class Channel(models.TextChoices):
        SMS = "sms", "SMS"
        WHATSAPP = "whatsapp", "WhatsApp"

    class Status(models.TextChoices):
        QUEUED = "queued", "Queued"
        SENT = "sent", "Sent"
        DELIVERED = "delivered", "Delivered"
        UNDELIVERED = "undelivered", "Not delivered"
        REJECTED = "rejected", "Rejected"
        RECEIVED = "received", "Received"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey("accounts.Tenant", on_delete=models.PROTECT, related_name="messages")
    direction = models.CharField(max_length=8, choices=Direction)
    channel = models.CharField(max_length=8, choices=Channel, default=Channel.SMS)
    from_number = models.CharField(max_length=16)
    to_number = models.CharField(max_length=16)
    # What people wrote: never in a log, the audit table, admin or a repr.
    body = models.TextField()
    status = models.CharField(max_length=12, choices=Status)
    segments = models.PositiveSmallIntegerField(default=1)
    cost = models.DecimalField(max_digits=12, decimal_places=6, default=0)
    currency = models.CharField(max_length=3, default="EUR", validators=[RegexValidator(_CURRENCY)])
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = MessageQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(direction="inbound", status="received")
                | Q(
                    direction="outbound",
                    status__in=["queued", "sent", "delivered", "undelivered", "rejected"],
                ),
                name="messaging_message_status_fits_direction",
            ),
            models.CheckConstraint(
                condition=Q(channel__in=["sms", "whatsapp"]), name="messaging_message_channel_valid"
            ),
            models.CheckConstraint(
                condition=Q(from_number__regex=_E164) & Q(to_number__regex=_E164),
                name="messaging_message_numbers_e164",
            ),
            models.CheckConstraint(
                condition=Q(segments__gte=1), name="messaging_message_segments_positive"
            ),
            models.CheckConstraint(
                condition=Q(cost__gte=0), name="messaging_message_cost_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(currency__regex=_CURRENCY), name="messaging_message_currency_valid"
            ),
        ]
        indexes = [
            models.Index(
                fields=["tenant", "direction", "-created_at"], name="messaging_message_tenant_day"
            ),
        ]

    def __str__(self) -> str:
        return f"message {self.id}"


class MessagingLimit(models.Model):
    """What AI hosts may send in a day (UTC) before a person must approve. None: nothing.

    Setting it is the recorded authorisation of what is sent within it.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.OneToOneField(
        "accounts.Tenant", on_delete=models.PROTECT, related_name="messaging_limit"
    )
    messages_per_day = models.PositiveIntegerField(default=0)
    amount_per_day = models.DecimalField(max_digits=10, decimal_places=2, default=0)
    currency = models.CharField(max_length=3, default="EUR", validators=[RegexValidator(_CURRENCY)])
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = MessagingLimitQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(amount_per_day__gte=0), name="messaging_limit_amount_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(currency__regex=_CURRENCY), name="messaging_limit_currency_valid"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.messages_per_day} messages a day"
