"""Connecting a number to a trunk or a call flow."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.db import transaction

from cliqtel_portal.accounts.models import Tenant
from cliqtel_portal.errors import InvalidArguments, NotFound, Problem
from cliqtel_portal.numbers.change_models import NumberChange
from cliqtel_portal.numbers.errors import ConnectionChanged, NumberUnavailable
from cliqtel_portal.numbers.models import PhoneNumber
from cliqtel_portal.numbers.services.places import (
    NOWHERE,
    Place,
    PlaceKind,
    find_place,
    number_of,
    place_of,
)

_Status = PhoneNumber.Status
_WORDS = {"trunk": "trunk", "call_flow": "call flow"}
_LISTED_BY = {"trunk": "list_inventory", "call_flow": "list_call_flows"}
_WHY_NOT = {
    _Status.PORTING.value: "It is being ported: connect it once the port is done.",
    _Status.QUARANTINE.value: "It was given up. An admin can bring it back on its page.",
    _Status.RELEASED.value: "It was released and is no longer in this account.",
}


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """To undo it, assign the number to `previous`."""

    number: PhoneNumber
    previous: Place
    current: Place


def plan_assignment(
    tenant: Tenant,
    *,
    e164: str,
    target_kind: PlaceKind,
    target_id: uuid.UUID | None,
    if_currently: str | None = None,
) -> Assignment:
    """What `assign_number` would do now. Raises the same; writes nothing."""
    return _check(number_of(tenant, e164), target_kind, target_id, if_currently)


@transaction.atomic
def assign_number(
    tenant: Tenant,
    *,
    e164: str,
    target_kind: PlaceKind,
    target_id: uuid.UUID | None,
    if_currently: str | None = None,
    key: str,
    by_label: str,
    approval_id: uuid.UUID | None = None,
) -> Assignment:
    """Calls to the number go to the target. The same key again changes nothing more.

    `if_currently` is the id of the trunk or call flow that it must be connected to at that
    moment, or "none".

    Raises:
        NotFound: no such number or target in the tenant.
        ConnectionChanged: it isn't where `if_currently` says.
        NumberUnavailable: its status doesn't allow it.
        InvalidArguments: no target, one that takes no calls, or the present one.
    """
    number = number_of(tenant, e164, lock=True)
    done = NumberChange.objects.for_tenant(tenant).filter(number=number, key=key).first()
    if done is not None:
        return Assignment(
            number=number,
            previous=Place.from_json(done.before),
            current=Place.from_json(done.after),
        )
    assignment = _check(number, target_kind, target_id, if_currently)
    target = assignment.current
    number.trunk_id = target.place_id if target.kind == "trunk" else None
    number.call_flow_id = target.place_id if target.kind == "call_flow" else None
    number.save(update_fields=["trunk", "call_flow"])
    NumberChange.objects.create(
        tenant=tenant,
        number=number,
        kind=NumberChange.Kind.ASSIGNED,
        before=assignment.previous.as_json(),
        after=target.as_json(),
        by_label=by_label,
        approval_id=approval_id,
        key=key,
    )
    return assignment


def _check(
    number: PhoneNumber,
    target_kind: PlaceKind,
    target_id: uuid.UUID | None,
    if_currently: str | None,
) -> Assignment:
    """Raises with every problem; the gravest names the error."""
    present = place_of(number)
    target, problems = _target(number.tenant, target_kind, target_id)
    refusal = _WHY_NOT.get(number.status)
    if refusal is not None:
        problems.insert(0, Problem(field="number", message=refusal))
        raise NumberUnavailable(f"This number can't be connected. {refusal}", problems=problems)
    if if_currently is not None and if_currently != present.reference:
        raise ConnectionChanged(
            f"Calls to this number now go to {present.words}."
            f" Look again, then draft on that: if_currently {present.reference}.",
            problems=[
                Problem(field="if_currently", message=f"It is {present.reference} now."),
                *problems,
            ],
        )
    if target is not None and target.is_same(present):
        there = "connected there" if target.place_id else "disconnected"
        field = "target_id" if target.place_id else "target_kind"
        problems.append(Problem(field=field, message=f"It is {there} already: nothing to do."))
    if target is None and target_id is not None and target_kind != "none":
        raise NotFound(_no_such(target_kind), problems=problems)
    if target is None or problems:
        raise InvalidArguments("The number can't be connected there.", problems=problems)
    return Assignment(number=number, previous=present, current=target)


def _target(
    tenant: Tenant, kind: PlaceKind, target_id: uuid.UUID | None
) -> tuple[Place | None, list[Problem]]:
    if kind == "none":
        if target_id is None:
            return NOWHERE, []
        return None, [Problem(field="target_id", message="Leave it out with target_kind none.")]
    if target_id is None:
        message = f"Give the id of the {_WORDS[kind]}."
        return None, [Problem(field="target_id", message=message)]
    found = find_place(tenant, kind, target_id)
    if found is None:
        return None, [Problem(field="target_id", message=_no_such(kind))]
    place, is_usable = found
    if is_usable:
        return place, []
    reason = "It is disabled." if kind == "trunk" else "It has nothing published."
    message = f"{reason} Calls would be rejected."
    return place, [Problem(field="target_id", message=message)]


def _no_such(kind: PlaceKind) -> str:
    return f"There is no such {_WORDS[kind]} in this account. {_LISTED_BY[kind]} shows them all."
