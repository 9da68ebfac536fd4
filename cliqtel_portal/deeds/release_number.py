"""Giving up a number. Always another person than the requester agrees (settings)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import TextField
from django.db.models.functions import Cast
from django.utils import timezone

from approvals.models import Approval
from approvals.presentation import Presentation
from approvals.quotes import Quote
from approvals.services import request_approval
from approvals.states import Status
from cliqtel_portal.accounts.models import Tenant
from cliqtel_portal.callflows.models import CallFlow
from cliqtel_portal.deeds.given_numbers import e164_of
from cliqtel_portal.deeds.requester import Requester
from cliqtel_portal.errors import InvalidArguments, NotFound, Problem
from cliqtel_portal.numbers.errors import ReleaseBlocked
from cliqtel_portal.numbers.models import PhoneNumber
from cliqtel_portal.numbers.services.release import ReleasePlan, plan_release, release_number
from cliqtel_portal.phone import display

ACTION = "release_number"


def plan_release_number(requester: Requester, *, number: str, confirm_number: str) -> ReleasePlan:
    """What the deed would do now, with all that blocks it; nothing is drafted.

    Raises:
        NotFound: no such number in the tenant.
        InvalidArguments: `confirm_number` is not the same number.
    """
    e164 = e164_of(number)
    if e164_of(confirm_number, field="confirm_number") != e164:
        raise InvalidArguments(
            "The two numbers differ. Type the number that is to be given up twice.",
            problems=[Problem(field="confirm_number", message="It is another number.")],
        )
    return _plan(requester.tenant, e164)


@transaction.atomic
def draft_release_number(
    requester: Requester, *, number: str, confirm_number: str, reason_text: str = ""
) -> tuple[ReleasePlan, Approval]:
    """The release waits for another person than the requester.

    Raises:
        ReleaseBlocked: with every reason.
        PortalError: those of `plan_release_number`, and NotPermitted.
    """
    planned = plan_release_number(requester, number=number, confirm_number=confirm_number)
    _refuse(planned)
    shown = display(planned.number.e164)
    approval = request_approval(
        requester.tenant,
        requester=requester.user,
        action=ACTION,
        title=f"Give up {shown}",
        summary=(
            f"{shown} stops working. For {planned.quarantine_days} days it can be brought back,"
            " then it is gone."
        ),
        arguments={
            "number": planned.number.e164,
            "quarantine_days": planned.quarantine_days,
        },
        artifact_id=planned.number.pk,
        reason_text=reason_text,
        token_id=requester.token_id,
        token_label=requester.token_label,
        client_label=requester.client_label,
        call_id=requester.call_id,
    )
    return planned, approval


class ReleaseNumber:
    """Free of charge, and the end of a number."""

    def recheck(self, approval: Approval) -> Quote | None:
        planned = _plan(approval.tenant, approval.arguments["number"])
        if planned.number.pk != approval.artifact_id:
            raise NotFound("The number was released and bought again since. Draft it anew.")
        _refuse(planned)
        return None

    def execute(self, approval: Approval, idempotency_key: str) -> Mapping[str, Any]:
        until = release_number(
            approval.tenant,
            e164=approval.arguments["number"],
            quarantine_days=approval.arguments["quarantine_days"],
            key=idempotency_key,
            by_label=approval.requester.display_name,
            approval_id=approval.pk,
        )
        return {
            "status": "quarantine",
            "number": approval.arguments["number"],
            "quarantine_until": until.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }

    def withdraw(self, approval: Approval) -> None:
        """Nothing was held."""

    def present(self, approval: Approval) -> Presentation:
        assert approval.artifact_id is not None, "the draft set it"
        number = (
            PhoneNumber.objects.for_tenant(approval.tenant)
            .filter(pk=approval.artifact_id)
            .select_related("emergency_address")
            .first()
        )
        days = approval.arguments["quarantine_days"]
        is_pending = approval.status == Status.PENDING
        blockers = _plan(approval.tenant, number.e164).blockers if number and is_pending else ()
        return Presentation(
            consequences=_consequences(number, days),
            missing=tuple(blocker.message for blocker in blockers),
            template="deeds/_release.html",
            context={
                "number": number,
                "quarantine_days": days,
                "quarantine_until": _until(approval, days),
            },
        )


deed = ReleaseNumber()


def _plan(tenant: Tenant, e164: str) -> ReleasePlan:
    """With what only call flows know: one of them may dial the number, or show it to callers."""
    planned = plan_release(tenant, e164=e164)
    flows = (
        CallFlow.objects.for_tenant(tenant)
        .filter(status=CallFlow.Status.ACTIVE)
        .annotate(graph=Cast("active_revision__graph", TextField()))
        .filter(graph__contains=f'"{e164}"')
        .order_by("name")
    )
    used = tuple(
        Problem(field="number", message=f"The call flow “{flow.name}” uses it. Change that first.")
        for flow in flows
    )
    return replace(planned, blockers=planned.blockers + used)


def _refuse(planned: ReleasePlan) -> None:
    if planned.blockers:
        reasons = " ".join(blocker.message for blocker in planned.blockers)
        raise ReleaseBlocked(
            f"This number can't be given up yet. {reasons}", problems=planned.blockers
        )


def _until(approval: Approval, days: int) -> datetime:
    """When the quarantine ends: as it is, or as it would be if somebody agreed now."""
    if approval.outcome and "quarantine_until" in approval.outcome:
        return datetime.fromisoformat(approval.outcome["quarantine_until"])
    return timezone.now() + timedelta(days=days)


def _consequences(number: PhoneNumber | None, days: int) -> tuple[str, ...]:
    found = [
        "Calls and messages to it stop at once, and none can be made from it.",
        f"For {days} days an admin can bring it back on the number's page.",
        "After that it goes back to the carrier, and may become somebody else's.",
    ]
    if number is not None:
        found.append(f"Its monthly charge of {number.monthly_money} ends.")
        if number.emergency_address is not None:
            found.append("Its emergency address is taken off it when the quarantine ends.")
    return tuple(found)
