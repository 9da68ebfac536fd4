"""Changing a tenant's approval policy, with its history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone

from approvals.actors import live_member
from approvals.models import Policy, PolicyChange
from approvals.policies import Layer, Terms, parse_layers, terms_of
from cliqtel_portal.accounts.models import Membership, Tenant
from cliqtel_portal.accounts.permissions import may_edit_policies
from cliqtel_portal.errors import InvalidArguments, NotPermitted, Problem
from cliqtel_portal.money import Money

MIN_EXPIRY_SECONDS = 300
MAX_EXPIRY_SECONDS = 30 * 24 * 3600
# Far below what the column holds, far above what anybody buys.
_MAX_AMOUNT = Decimal(10) ** 8


@transaction.atomic
def set_policy(
    actor: Membership,
    *,
    action: str,
    layers: Iterable[Mapping[str, Any]],
    four_eyes_from: Decimal | None,
    always_four_eyes: bool,
    decider_role: Policy.DeciderRole,
    expires_seconds: int,
    now: datetime | None = None,
) -> Policy:
    """The tenant has these rules for the action, for pending approvals too.

    What really changed is in the history; saving the same again is not.

    Raises:
        NotPermitted: the actor's role does not edit policies.
        InvalidArguments: the rules make no sense; `problems` has all of it.
    """
    member = live_member(actor)
    if not may_edit_policies(member.role):
        raise NotPermitted("Only admins and owners change who approves what.")
    problems: list[Problem] = []
    parsed: tuple[Layer, ...] = ()
    try:
        parsed = parse_layers(layers)
    except ValueError as error:
        problems.append(Problem(field="layers", message=f"{str(error).capitalize()}."))
    amounts = {"layers": [layer.amount_from for layer in parsed]}
    amounts["four_eyes_from"] = [] if four_eyes_from is None else [four_eyes_from]
    for field, values in amounts.items():
        if any(not value.is_finite() or not 0 <= value < _MAX_AMOUNT for value in values):
            problems.append(Problem(field=field, message="Give an amount from 0 to 99,999,999."))
    if not MIN_EXPIRY_SECONDS <= expires_seconds <= MAX_EXPIRY_SECONDS:
        problems.append(
            Problem(field="expires_seconds", message="Give 5 minutes at least, 30 days at most.")
        )
    if problems:
        raise InvalidArguments("The policy makes no sense. Correct it.", problems=problems)
    # Two admins who save at once: the second one's "before" is the first one's "after".
    tenant = Tenant.objects.select_for_update(no_key=True).get(pk=member.tenant_id)
    before = terms_of(tenant, action)
    now = now or timezone.now()
    policy, _ = Policy.objects.update_or_create(
        tenant=tenant,
        action=action,
        defaults={
            "layers": _layers_as_json(parsed),
            "four_eyes_from": four_eyes_from,
            "always_four_eyes": always_four_eyes,
            "decider_role": decider_role,
            "expires_seconds": expires_seconds,
            "updated_by_id": member.user_id,
            "updated_at": now,
        },
    )
    old, new = as_json(before), as_json(terms_of(tenant, action))
    if old != new:
        PolicyChange.objects.create(
            tenant=tenant, action=action, actor_id=member.user_id, at=now, before=old, after=new
        )
    return policy


def _layers_as_json(layers: Iterable[Layer]) -> list[dict[str, Any]]:
    return [
        {"from": Money(amount=layer.amount_from).plain, "deciders": layer.deciders}
        for layer in layers
    ]


def as_json(terms: Terms) -> dict[str, Any]:
    """The rules as the history keeps them."""
    four_eyes_from = terms.four_eyes_from
    return {
        "decider_role": terms.decider_role,
        "always_four_eyes": terms.always_four_eyes,
        "four_eyes_from": None if four_eyes_from is None else Money(amount=four_eyes_from).plain,
        "layers": _layers_as_json(terms.layers),
        "expires_seconds": terms.expires_seconds,
    }
