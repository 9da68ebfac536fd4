"""Who has to agree, and how many. Asked by the click, the card, the inbox and the API alike."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from django.conf import settings

from approvals.models import Approval, Policy
from cliqtel_portal.accounts.models import Membership, Tenant
from cliqtel_portal.accounts.permissions import may_decide_approvals

Role = Membership.Role

# Each role of a policy stands for itself and those above it.
_ROLES_FROM = {
    Policy.DeciderRole.APPROVER.value: (Role.APPROVER, Role.ADMIN, Role.OWNER),
    Policy.DeciderRole.ADMIN.value: (Role.ADMIN, Role.OWNER),
    Policy.DeciderRole.OWNER.value: (Role.OWNER,),
}
_MAX_DECIDERS = 10


@dataclass(frozen=True, kw_only=True)
class Layer:
    """From this amount on, this many must agree."""

    amount_from: Decimal
    deciders: int


@dataclass(frozen=True, kw_only=True)
class Terms:
    """The rules of one tenant for one action; amounts in the tenant's currency."""

    layers: tuple[Layer, ...]
    four_eyes_from: Decimal | None
    always_four_eyes: bool
    decider_role: str
    expires_seconds: int

    def may_decide(self, role: str) -> bool:
        return may_decide_approvals(role) and role in _ROLES_FROM[self.decider_role]


@dataclass(frozen=True, kw_only=True)
class Requirement:
    """What it takes to approve one approval now."""

    terms: Terms
    # Whose word counts: their ids.
    pool: frozenset[uuid.UUID]
    # How many of them must agree on the present quote.
    deciders: int
    # Another person than the requester decides.
    excludes_requester: bool
    # There are fewer people than the rules want: each confirms with their password instead.
    needs_password: bool


def terms_of(tenant: Tenant, action: str) -> Terms:
    """The tenant's own policy, or the defaults of the settings."""
    always = action in settings.APPROVAL_ALWAYS_FOUR_EYES
    policy = Policy.objects.for_tenant(tenant).filter(action=action).first()
    if policy is None:
        return Terms(
            layers=parse_layers(settings.APPROVAL_LAYERS),
            four_eyes_from=Decimal(settings.APPROVAL_FOUR_EYES_FROM),
            always_four_eyes=always,
            decider_role=settings.APPROVAL_DECIDER_ROLE,
            expires_seconds=settings.APPROVAL_EXPIRES_SECONDS,
        )
    return Terms(
        layers=parse_layers(policy.layers),
        four_eyes_from=policy.four_eyes_from,
        always_four_eyes=always or policy.always_four_eyes,
        decider_role=policy.decider_role,
        expires_seconds=policy.expires_seconds,
    )


def requirement_of(approval: Approval) -> Requirement:
    """Three queries: the policy, the tenant, its members."""
    terms = terms_of(approval.tenant, approval.action)
    eligible = {
        membership.user_id
        for membership in Membership.objects.live().filter(
            tenant_id=approval.tenant_id, user__is_active=True
        )
        if terms.may_decide(membership.role)
    }
    others = eligible - {approval.requester_id}
    four_eyes = _asks_four_eyes(terms, approval)
    # With nobody else the one there is decides alone: a tenant of one person is not locked out.
    pool = others if four_eyes and others else eligible
    wanted = _deciders_wanted(terms, approval)
    return Requirement(
        terms=terms,
        pool=frozenset(pool),
        deciders=max(1, min(wanted, len(pool))),
        excludes_requester=four_eyes and bool(others),
        needs_password=len(pool) < wanted or (four_eyes and not others),
    )


def _is_foreign(approval: Approval) -> bool:
    """Amounts of another currency can't be compared: they count as above every threshold."""
    price = approval.price
    return price is not None and price.currency != approval.tenant.currency


def _asks_four_eyes(terms: Terms, approval: Approval) -> bool:
    if terms.always_four_eyes:
        return True
    if terms.four_eyes_from is None:
        return False
    return _is_foreign(approval) or approval.amount >= terms.four_eyes_from


def _deciders_wanted(terms: Terms, approval: Approval) -> int:
    return max(
        (
            layer.deciders
            for layer in terms.layers
            if _is_foreign(approval) or approval.amount >= layer.amount_from
        ),
        default=1,
    )


def parse_layers(layers: Iterable[Mapping[str, Any]]) -> tuple[Layer, ...]:
    """Return the layers by amount.

    Raises:
        ValueError: an amount is no amount, a number no number of people, or a higher amount asks
            for fewer people.
    """
    try:
        parsed = [
            Layer(amount_from=Decimal(layer["from"]), deciders=int(layer["deciders"]))
            for layer in layers
        ]
    except (KeyError, TypeError, InvalidOperation) as error:
        raise ValueError("a layer is an amount and a number of people") from error
    parsed.sort(key=lambda layer: layer.amount_from)
    for layer in parsed:
        if not layer.amount_from.is_finite() or layer.amount_from < 0:
            raise ValueError("an amount is not negative")
        if not 1 <= layer.deciders <= _MAX_DECIDERS:
            raise ValueError(f"one to {_MAX_DECIDERS} people decide")
    if [layer.deciders for layer in parsed] != sorted(layer.deciders for layer in parsed):
        raise ValueError("a higher amount never asks for fewer people")
    return tuple(parsed)
