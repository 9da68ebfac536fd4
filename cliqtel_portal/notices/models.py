"""What happened (events, replayed by sockets) and what a person must be told (notices)."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from cliqtel_portal.ids import uuid7
from cliqtel_portal.notices.querysets import EventQuerySet, NoticeQuerySet


class Event(models.Model):
    """Something that open pages show at once.

    Within a tenant ids grow in the order of commits (see `services.record_event`), so "all after
    the last one I saw" misses nothing. They leave the server as the stream's position only.
    """

    id = models.BigAutoField(primary_key=True)
    tenant = models.ForeignKey("accounts.Tenant", on_delete=models.PROTECT, related_name="events")
    # Null: for everybody in the tenant.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="events",
    )
    kind = models.CharField(max_length=60)
    payload = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = EventQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__regex=r"^[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*$"),
                name="notices_event_kind_valid",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "id"], name="notices_event_stream"),
            models.Index(fields=["created_at"], name="notices_event_age"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} #{self.pk}"


class Notice(models.Model):
    """A message that stays until it is read."""

    class Level(models.TextChoices):
        INFO = "info", "Information"
        SUCCESS = "success", "Success"
        WARNING = "warning", "Warning"
        ERROR = "error", "Error"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey("accounts.Tenant", on_delete=models.PROTECT, related_name="notices")
    # Null: for everybody in the tenant; the first who reads it has read it for all.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="notices",
    )
    level = models.CharField(max_length=8, choices=Level, default=Level.INFO)
    title = models.CharField(max_length=120)
    body = models.CharField(max_length=500, blank=True)
    # A path on the portal, never an address elsewhere.
    link = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    read_at = models.DateTimeField(null=True, blank=True)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(level__in=["info", "success", "warning", "error"]),
                name="notices_notice_level_valid",
            ),
            models.CheckConstraint(
                condition=Q(link="") | Q(link__regex=r"^/([^/\\].*)?$"),
                name="notices_notice_link_is_path",
            ),
            models.CheckConstraint(
                condition=Q(read_at__isnull=True) | Q(read_at__gte=F("created_at")),
                name="notices_notice_read_after_made",
            ),
        ]
        indexes = [
            models.Index(
                fields=["tenant", "user", "-created_at", "-id"], name="notices_notice_list"
            ),
            models.Index(
                fields=["tenant", "user"],
                condition=Q(read_at__isnull=True),
                name="notices_notice_unread",
            ),
        ]

    def __str__(self) -> str:
        return self.title
