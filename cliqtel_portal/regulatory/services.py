"""What a country asks for, and which part of it a tenant has shown already."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q
from django.utils import timezone

from cliqtel_portal.accounts.models import Tenant
from cliqtel_portal.countries import country_name
from cliqtel_portal.errors import NotFound
from cliqtel_portal.regulatory.models import Document, Requirement, RequirementSet

# The nearest to being accepted counts where a tenant handed in several for one requirement.
_PROGRESS = ["pending", "expired", "rejected", "draft"]


@dataclass(frozen=True, kw_only=True)
class RequirementItem:
    requirement_id: uuid.UUID
    code: str
    name: str
    kind: str
    description: str
    example: str
    acceptance_rules: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Satisfied:
    requirement_id: uuid.UUID
    name: str
    document_id: uuid.UUID
    document_name: str
    expires_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Missing:
    """`state` is `none`, or that of what was handed in: pending, expired, rejected, draft."""

    requirement_id: uuid.UUID
    name: str
    state: str
    next_step: str


@dataclass(frozen=True, kw_only=True)
class RequirementCheck:
    country: str
    number_type: str
    action: str
    requirements: tuple[RequirementItem, ...]
    already_satisfied: tuple[Satisfied, ...]
    missing: tuple[Missing, ...]
    lead_time_days: int
    who_may_own: str
    source_url: str


def check_requirements(
    tenant: Tenant,
    *,
    country: str,
    number_type: str,
    action: str = "order",
    at: datetime | None = None,
) -> RequirementCheck:
    """The rules, beside what the tenant's documents answer of them; three queries.

    Raises:
        NotFound: we don't offer that type there.
    """
    moment = at or timezone.now()
    try:
        rules = RequirementSet.objects.get(country=country, number_type=number_type, action=action)
    except RequirementSet.DoesNotExist as error:
        raise NotFound(
            f"We have no {number_type.replace('_', '-')} numbers in {country_name(country)}. "
            "Call get_pricing without number_type to see what is covered."
        ) from error
    requirements = list(rules.requirements.order_by("position"))
    handed_in = (
        Document.objects.for_tenant(tenant)
        .filter(Q(country=country) | Q(country__isnull=True))
        .filter(requirement_code__in=[requirement.code for requirement in requirements])
        .order_by("-created_at", "-id")
    )
    documents: dict[str, list[Document]] = {}
    for document in handed_in:
        documents.setdefault(document.requirement_code, []).append(document)
    satisfied: list[Satisfied] = []
    missing: list[Missing] = []
    for requirement in requirements:
        found = documents.get(requirement.code, [])
        good = _best(document for document in found if _state(document, moment) == "approved")
        if good is not None:
            satisfied.append(
                Satisfied(
                    requirement_id=requirement.id,
                    name=requirement.name,
                    document_id=good.id,
                    document_name=good.name,
                    expires_at=good.expires_at,
                )
            )
        else:
            missing.append(_missing(requirement, found, moment))
    return RequirementCheck(
        country=country,
        number_type=number_type,
        action=action,
        requirements=tuple(_item(requirement) for requirement in requirements),
        already_satisfied=tuple(satisfied),
        missing=tuple(missing),
        lead_time_days=rules.lead_time_days,
        who_may_own=rules.who_may_own,
        source_url=rules.source_url,
    )


def requirement_names(
    pairs: Collection[tuple[str, str]], *, action: str = "order"
) -> Mapping[tuple[str, str], tuple[str, ...]]:
    """Names of what is asked for, by (country, number type), in one query.

    A pair without rules is left out; one that asks for nothing has no names.
    """
    if not pairs:
        return {}
    wanted = Q()
    for country, number_type in sorted(set(pairs)):
        wanted |= Q(country=country, number_type=number_type)
    rows = (
        RequirementSet.objects.filter(wanted, action=action)
        .order_by("country", "number_type", "requirements__position")
        .values_list("country", "number_type", "requirements__name")
    )
    names: dict[tuple[str, str], tuple[str, ...]] = {}
    for country, number_type, name in rows:
        known = names.get((country, number_type), ())
        names[country, number_type] = (*known, name) if name is not None else known
    return names


def _best(documents: Iterable[Document]) -> Document | None:
    """The one that lasts longest; one without an end outlasts all."""
    return max(
        documents,
        key=lambda d: (d.expires_at is None, d.expires_at or d.created_at),
        default=None,
    )


def _state(document: Document, moment: datetime) -> str:
    """Its status; an approval whose time is up counts as expired before the row says so."""
    lapsed = document.expires_at is not None and document.expires_at <= moment
    return "expired" if document.status == Document.Status.APPROVED and lapsed else document.status


def _missing(requirement: Requirement, found: list[Document], moment: datetime) -> Missing:
    states = {_state(document, moment): document for document in reversed(found)}
    state = next((state for state in _PROGRESS if state in states), "none")
    return Missing(
        requirement_id=requirement.id,
        name=requirement.name,
        state=state,
        next_step=_next_step(requirement, state, states.get(state)),
    )


def _next_step(requirement: Requirement, state: str, document: Document | None) -> str:
    if state == "pending":
        return "Being reviewed: wait for the decision."
    if state == "expired":
        return "Its validity has ended: send a current one to Cliqtel support."
    if state == "rejected" and document is not None and document.rejection_reason:
        return f"Rejected: {document.rejection_reason}"
    if state == "rejected":
        return "Rejected: correct it and send it to Cliqtel support again."
    if state == "draft":
        return "A draft is there: complete it and send it to Cliqtel support."
    return _FIRST_STEPS[requirement.kind]


_FIRST_STEPS: dict[str, str] = {
    Requirement.Kind.DOCUMENT: "Send it to Cliqtel support.",
    Requirement.Kind.ADDRESS: "Tell Cliqtel support the address.",
    Requirement.Kind.TEXT: "Tell Cliqtel support.",
    Requirement.Kind.ACTION: "Do it as described; then confirm it to Cliqtel support.",
}


def _item(requirement: Requirement) -> RequirementItem:
    return RequirementItem(
        requirement_id=requirement.id,
        code=requirement.code,
        name=requirement.name,
        kind=requirement.kind,
        description=requirement.description,
        example=requirement.example,
        acceptance_rules=tuple(requirement.acceptance_rules),
    )
