"""Connecting a number to a trunk or a call flow, or disconnecting it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from approvals.models import Approval
from approvals.presentation import Presentation
from approvals.quotes import Quote
from approvals.services import request_approval
from approvals.states import Status
from cliqtel_portal.deeds.given_numbers import e164_of
from cliqtel_portal.deeds.requester import Requester
from cliqtel_portal.errors import InvalidArguments, NotFound, PortalError, Problem
from cliqtel_portal.numbers.errors import NumberUnavailable
from cliqtel_portal.numbers.models import PhoneNumber
from cliqtel_portal.numbers.services.assignment import (
    Assignment,
    assign_number,
    plan_assignment,
)
from cliqtel_portal.numbers.services.places import Place, PlaceKind, place_of
from cliqtel_portal.phone import display

ACTION = "assign_number"
# What the inbox approves together.
MAX_TOGETHER = 25


def plan_assign_number(
    requester: Requester,
    *,
    number: str,
    target_kind: PlaceKind,
    target_id: uuid.UUID | None = None,
    if_currently: str | None = None,
) -> Assignment:
    """What the deed would do now; nothing is drafted.

    Raises:
        PortalError: those of `numbers.services.assignment.assign_number`.
    """
    return plan_assignment(
        requester.tenant,
        e164=e164_of(number),
        target_kind=target_kind,
        target_id=target_id,
        if_currently=if_currently,
    )


@transaction.atomic
def draft_assign_number(
    requester: Requester,
    *,
    number: str,
    target_kind: PlaceKind,
    target_id: uuid.UUID | None = None,
    if_currently: str | None = None,
    reason_text: str = "",
) -> tuple[Assignment, Approval]:
    """The move waits for a person. What the number is connected to now has to stay so until then.

    Raises:
        PortalError: those of `plan_assign_number`, and NotPermitted.
    """
    planned = plan_assign_number(
        requester,
        number=number,
        target_kind=target_kind,
        target_id=target_id,
        if_currently=if_currently,
    )
    shown = display(planned.number.e164)
    after, before = planned.current, planned.previous
    approval = request_approval(
        requester.tenant,
        requester=requester.user,
        action=ACTION,
        title=f"Connect {shown} to {after.words}" if after.place_id else f"Disconnect {shown}",
        summary=_summary(shown, before, after),
        arguments={
            "number": planned.number.e164,
            "before": before.as_json(),
            "after": after.as_json(),
        },
        artifact_id=planned.number.pk,
        reason_text=reason_text,
        token_id=requester.token_id,
        token_label=requester.token_label,
        client_label=requester.client_label,
        call_id=requester.call_id,
    )
    return planned, approval


@transaction.atomic
def draft_assign_numbers(
    requester: Requester,
    *,
    number_ids: Sequence[uuid.UUID],
    target_kind: PlaceKind,
    target_id: uuid.UUID | None = None,
) -> list[Approval]:
    """One move for each number waits for a person; none for those that are there already.

    Raises:
        InvalidArguments: some can't be moved there, with the reasons; then nothing waits.
        NotFound: some of the numbers, or the target, aren't the tenant's.
    """
    if len(number_ids) > MAX_TOGETHER:
        raise InvalidArguments(
            f"At most {MAX_TOGETHER} numbers can be connected at once: somebody decides each."
        )
    numbers = list(
        PhoneNumber.objects.for_tenant(requester.tenant)
        .filter(pk__in=number_ids)
        .exclude(status=PhoneNumber.Status.RELEASED)
        .select_related("trunk", "call_flow")
        .order_by("e164")
    )
    if len(numbers) < len(set(number_ids)):
        raise NotFound("Some of these numbers are not in this account. Reload the list.")
    wanted = (target_kind, target_id)
    moving = [number for number in numbers if _reference(place_of(number)) != wanted]
    approvals, problems = [], []
    for number in moving:
        try:
            _, approval = draft_assign_number(
                requester, number=number.e164, target_kind=target_kind, target_id=target_id
            )
            approvals.append(approval)
        except (InvalidArguments, NumberUnavailable) as error:
            reasons = " ".join(problem.message for problem in error.problems) or error.message
            message = f"{display(number.e164)}: {reasons}"
            problems.append(Problem(field="numbers", message=message))
    if problems:
        raise InvalidArguments("Some numbers can't be connected there.", problems=problems)
    return approvals


def _reference(place: Place) -> tuple[PlaceKind, uuid.UUID | None]:
    return place.kind, place.place_id


class AssignNumber:
    """Free of charge. Holds nothing while it waits: a move meanwhile makes it stale."""

    def recheck(self, approval: Approval) -> Quote | None:
        _plan(approval)
        return None

    def execute(self, approval: Approval, idempotency_key: str) -> Mapping[str, Any]:
        before, after = _places(approval)
        done = assign_number(
            approval.tenant,
            e164=approval.arguments["number"],
            target_kind=after.kind,
            target_id=after.place_id,
            if_currently=before.reference,
            key=idempotency_key,
            by_label=approval.requester.display_name,
            approval_id=approval.pk,
        )
        return {
            "status": "assigned" if done.current.place_id else "disconnected",
            "number": approval.arguments["number"],
            "previous": done.previous.as_json(),
            "current": done.current.as_json(),
        }

    def withdraw(self, approval: Approval) -> None:
        """Nothing was held."""

    def present(self, approval: Approval) -> Presentation:
        before, after = _places(approval)
        return Presentation(
            consequences=_consequences(after),
            missing=_missing(approval),
            template="deeds/_assignment.html",
            context={
                "number": approval.arguments["number"],
                "number_id": approval.artifact_id,
                "before": before,
                "after": after,
            },
        )


deed = AssignNumber()


def _places(approval: Approval) -> tuple[Place, Place]:
    frozen = approval.arguments
    return Place.from_json(frozen["before"]), Place.from_json(frozen["after"])


def _plan(approval: Approval) -> Assignment:
    before, after = _places(approval)
    planned = plan_assignment(
        approval.tenant,
        e164=approval.arguments["number"],
        target_kind=after.kind,
        target_id=after.place_id,
        if_currently=before.reference,
    )
    if planned.number.pk != approval.artifact_id:
        raise NotFound("The number was released and bought again since. Draft it anew.")
    return planned


def _summary(number: str, before: Place, after: Place) -> str:
    if not after.place_id:
        return f"Calls to {number} are rejected instead of going to {before.words}."
    if not before.place_id:
        return f"Calls to {number} go to {after.words}. Until now they are rejected."
    return f"Calls to {number} go to {after.words} instead of {before.words}."


def _consequences(after: Place) -> tuple[str, ...]:
    found = ["It holds for new calls at once; calls that are under way stay where they are."]
    if not after.place_id:
        found.append("Whoever calls the number hears that it is not in use.")
    found.append("It can be undone by connecting the number as before.")
    return tuple(found)


def _missing(approval: Approval) -> tuple[str, ...]:
    if approval.status != Status.PENDING:
        return ()
    try:
        _plan(approval)
    except PortalError as error:
        return tuple(problem.message for problem in error.problems) or (error.message,)
    return ()
