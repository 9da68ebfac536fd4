"""Who does not want messages from one of our numbers."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from cliqtel_portal.ids import uuid7
from cliqtel_portal.messaging.models.formats import CHANNELS, E164, Channel
from cliqtel_portal.messaging.querysets import OptOutQuerySet


class OptOut(models.Model):
    """Holds until `ended_at`: the peer wrote START, or a person ended it on a page."""

    class Source(models.TextChoices):
        INBOUND = "inbound", "They wrote STOP"
        PORTAL = "portal", "Entered here"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey("accounts.Tenant", on_delete=models.PROTECT, related_name="opt_outs")
    channel = models.CharField(max_length=8, choices=Channel)
    our_number = models.CharField(max_length=16)
    peer_number = models.CharField(max_length=16)
    source = models.CharField(max_length=7, choices=Source)
    # The person who entered or ended it; null where the peer did by message.
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    since = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = OptOutQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "our_number", "peer_number", "channel"],
                condition=Q(ended_at__isnull=True),
                name="messaging_opt_out_once",
            ),
            models.CheckConstraint(
                condition=Q(our_number__regex=E164, peer_number__regex=E164),
                name="messaging_opt_out_numbers_e164",
            ),
            models.CheckConstraint(
                condition=Q(channel__in=CHANNELS), name="messaging_opt_out_channel_valid"
            ),
            models.CheckConstraint(
                condition=Q(source="inbound", added_by__isnull=True)
                | Q(source="portal", added_by__isnull=False),
                name="messaging_opt_out_source_valid",
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, ended_by__isnull=True)
                | Q(ended_at__gte=F("since")),
                name="messaging_opt_out_ends_after_start",
            ),
        ]
        indexes = [
            models.Index(
                fields=["tenant", "-since", "-id"],
                condition=Q(ended_at__isnull=True),
                name="messaging_opt_out_list",
            ),
        ]

    def __str__(self) -> str:
        return f"opt-out {self.id}"
