"""Texts with gaps. WhatsApp wants one that it has approved for whoever hasn't written lately."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from cliqtel_portal.ids import uuid7
from cliqtel_portal.messaging.models.formats import CHANNELS, Channel
from cliqtel_portal.messaging.querysets import MessageTemplateQuerySet


class MessageTemplate(models.Model):
    """`body` has gaps like {{name}}. Only approved ones can be sent."""

    class Status(models.TextChoices):
        PENDING = "pending", "Being reviewed"
        APPROVED = "approved", "Approved"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey(
        "accounts.Tenant", on_delete=models.PROTECT, related_name="message_templates"
    )
    name = models.SlugField(max_length=60, db_index=False)
    channel = models.CharField(max_length=8, choices=Channel)
    body = models.TextField()
    status = models.CharField(max_length=8, choices=Status, default=Status.PENDING)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = MessageTemplateQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "channel", "name"], name="messaging_template_name_unique"
            ),
            models.CheckConstraint(
                condition=Q(channel__in=CHANNELS, status__in=["pending", "approved"]),
                name="messaging_template_valid",
            ),
            models.CheckConstraint(
                condition=~Q(body="") & ~Q(name=""), name="messaging_template_not_empty"
            ),
        ]

    def __str__(self) -> str:
        return self.name
