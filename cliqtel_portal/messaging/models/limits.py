"""How many messages a tenant's AI hosts may send without asking a person, and who said so."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from cliqtel_portal.ids import uuid7
from cliqtel_portal.messaging.models.formats import CURRENCY
from cliqtel_portal.messaging.querysets import (
    MessagingLimitChangeQuerySet,
    MessagingLimitQuerySet,
)
from cliqtel_portal.money import Money


class MessagingLimit(models.Model):
    """What AI hosts may send in a day (UTC) before a person must approve. None: nothing."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.OneToOneField(
        "accounts.Tenant", on_delete=models.PROTECT, related_name="messaging_limit"
    )
    messages_per_day = models.PositiveIntegerField(default=0)
    amount_per_day = models.DecimalField(max_digits=10, decimal_places=2, default=0)
    currency = models.CharField(max_length=3, default="EUR", validators=[RegexValidator(CURRENCY)])
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = MessagingLimitQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(amount_per_day__gte=0), name="messaging_limit_amount_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(currency__regex=CURRENCY), name="messaging_limit_currency_valid"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.messages_per_day} messages a day"


class MessagingLimitChange(models.Model):
    """The recorded authorisation of what is sent within the limit. A trigger keeps it for ever."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey(
        "accounts.Tenant", on_delete=models.PROTECT, related_name="messaging_limit_changes"
    )
    set_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    messages_per_day = models.PositiveIntegerField()
    amount_per_day = models.DecimalField(max_digits=10, decimal_places=2)
    currency = models.CharField(max_length=3, validators=[RegexValidator(CURRENCY)])
    at = models.DateTimeField(default=timezone.now, editable=False)

    objects = MessagingLimitChangeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(amount_per_day__gte=0, currency__regex=CURRENCY),
                name="messaging_limit_change_valid",
            ),
        ]
        indexes = [models.Index(fields=["tenant", "-at"], name="messaging_limit_change_list")]

    def __str__(self) -> str:
        return f"{self.messages_per_day} messages a day by {self.set_by}"

    @property
    def amount_money(self) -> Money:
        return Money(amount=self.amount_per_day, currency=self.currency)
