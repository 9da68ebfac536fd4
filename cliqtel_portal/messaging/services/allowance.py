"""What a tenant may still send today without a person's approval."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django.db.models import Count, Q, Sum
from django.utils import timezone

from cliqtel_portal.accounts.models import Tenant
from cliqtel_portal.messaging.models import Message, MessagingLimit
from cliqtel_portal.money import Money


@dataclass(frozen=True, kw_only=True)
class DailyAllowance:
    """`messages_left` and `amount_left` never go below nothing; both must suffice to send."""

    messages_per_day: int
    messages_left: int
    amount_per_day: Money
    amount_left: Money
    resets_at: datetime

    @property
    def messages_used(self) -> int:
        return self.messages_per_day - self.messages_left

    def covers(self, messages: int, cost: Money) -> bool:
        """Whether they may be sent now. What is paid in another currency never may."""
        return (
            messages <= self.messages_left
            and cost.currency == self.amount_left.currency
            and cost.amount <= self.amount_left.amount
        )


def daily_allowance(tenant: Tenant, *, now: datetime | None = None) -> DailyAllowance:
    """Return the tenant's limit and what is left of it; a tenant without one may send nothing.

    Days are UTC. Amounts in another currency than the limit's are not counted: a tenant's prices
    all have one.
    """
    moment = (now or timezone.now()).astimezone(UTC)
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    limit = MessagingLimit.objects.for_tenant(tenant).first() or MessagingLimit(
        tenant=tenant, currency=tenant.currency
    )
    sent = Message.objects.sent_alone_since(tenant, day).aggregate(
        messages=Count("id"), amount=Sum("cost", filter=Q(currency=limit.currency))
    )
    spent: Decimal = sent["amount"] or Decimal(0)
    per_day = Decimal(limit.amount_per_day)
    return DailyAllowance(
        messages_per_day=limit.messages_per_day,
        messages_left=max(0, limit.messages_per_day - sent["messages"]),
        amount_per_day=Money(amount=per_day, currency=limit.currency),
        amount_left=Money(amount=max(Decimal(0), per_day - spent), currency=limit.currency),
        resets_at=day + timedelta(days=1),
    )
