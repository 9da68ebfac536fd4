"""Which calls of AI hosts were about a number."""

from __future__ import annotations

from django.db.models import Q, TextField
from django.db.models.functions import Cast

from approvals.models import Approval
from audit.models import ToolCall
from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.numbers.models import PhoneNumber
from cliqtel_portal.numbers.order_models import OrderLine
from cliqtel_portal.phone import display

SHOWN = 20
# The newest calls, through whose arguments a page looks: no index holds those.
LOOKED_THROUGH = 5_000
_APPROVALS = 50


def calls_about(member: Membership, number: PhoneNumber) -> list[ToolCall]:
    """The newest that the person may see: that drafted or did something with the number, however
    long ago, or named it lately. A handful of queries, in a log of any length.
    """
    visible = ToolCall.objects.visible_to(member).defer("arguments", "result")
    orders = OrderLine.objects.filter(phone_number=number).values_list("order_id", flat=True)
    approvals = list(
        Approval.objects.for_tenant(member.tenant)
        .filter(artifact_id__in=[number.pk, *orders])
        .newest_first()
        .values_list("pk", "call_id")[:_APPROVALS]
    )
    found: list[ToolCall] = []
    if approvals:
        found += visible.filter(pk__in=[call_id for _, call_id in approvals if call_id])
        found += visible.filter(approval_id__in=[pk for pk, _ in approvals]).order_by("-id")[:SHOWN]
    # In two steps: the first reads the index alone, the second a stretch of the table.
    newest = visible.order_by("-id").values_list("pk", flat=True)
    oldest = newest[LOOKED_THROUGH - 1 : LOOKED_THROUGH].first()
    recent = visible.filter(pk__gte=oldest) if oldest else visible
    found += (
        recent.annotate(asked=Cast("arguments", TextField()))
        .filter(_names(number))
        .order_by("-id")[:SHOWN]
    )
    each = {call.pk: call for call in found}
    return sorted(each.values(), key=lambda call: call.pk, reverse=True)[:SHOWN]


def _names(number: PhoneNumber) -> Q:
    """As hosts write it: digits with + or 00 before them, as shown on pages, or the id."""
    digits = number.e164.removeprefix("+")
    ways = {digits, display(number.e164), str(number.pk)}
    found = Q()
    for way in ways:
        found |= Q(asked__contains=way)
    return found
