"""Who has to agree, and how many. Asked by the click, the card, the inbox and the API alike."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
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
    return terms_by_action(tenant, [action])[action]


def terms_by_action(tenant: Tenant, actions: Iterable[str]) -> dict[str, Terms]:
    """One query, however many actions."""
    asked = set(actions)
    own = {
        policy.action: policy
        for policy in Policy.objects.for_tenant(tenant).filter(action__in=asked)
    }
    return {action: _terms(action, own.get(action)) for action in asked}


def _terms(action: str, policy: Policy | None) -> Terms:
    always = action in settings.APPROVAL_ALWAYS_FOUR_EYES
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
    return requirements_of(approval.tenant, [approval])[approval.pk]


def requirements_of(tenant: Tenant, approvals: Sequence[Approval]) -> dict[uuid.UUID, Requirement]:
    """What each of the tenant's approvals takes, by id. Two queries: the policies, the members."""
    terms = terms_by_action(tenant, {approval.action for approval in approvals})
    members = list(
        Membership.objects.live()
        .filter(tenant=tenant, user__is_active=True)
        .values_list("user_id", "role")
    )
    return {
        approval.pk: _requirement(approval, terms[approval.action], members, tenant.currency)
        for approval in approvals
    }


def _requirement(
    approval: Approval, terms: Terms, members: Iterable[tuple[uuid.UUID, str]], currency: str
) -> Requirement:
    eligible = {user_id for user_id, role in members if terms.may_decide(role)}
    others = eligible - {approval.requester_id}
    price = approval.price
    # Amounts of another currency can't be compared: they count as above every threshold.
    is_foreign = price is not None and price.currency != currency

    def reaches(amount: Decimal) -> bool:
        return is_foreign or approval.amount >= amount

    four_eyes = terms.always_four_eyes or (
        terms.four_eyes_from is not None and reaches(terms.four_eyes_from)
    )
    wanted = max(
        (layer.deciders for layer in terms.layers if reaches(layer.amount_from)), default=1
    )
    # With nobody else the one there is decides alone: a tenant of one person is not locked out.
    pool = others if four_eyes and others else eligible
    return Requirement(
        terms=terms,
        pool=frozenset(pool),
        deciders=max(1, min(wanted, len(pool))),
        excludes_requester=four_eyes and bool(others),
        needs_password=len(pool) < wanted or (four_eyes and not others),
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
