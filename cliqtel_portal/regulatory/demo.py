"""The demo's rules and what its tenants have handed in."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from cliqtel_portal.accounts.models import Tenant
from cliqtel_portal.regulatory.demo_rules import all_rules
from cliqtel_portal.regulatory.models import Document, Requirement, RequirementSet

_NAMESPACE = uuid.UUID("0d5c1a3e-61c6-4d2f-8a68-7a0f4f0f6a02")
_FIRST_DAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
_FAR_AWAY = datetime(2036, 3, 1, tzinfo=UTC)

# code, kind, name, country, status, reason, expires
_Row = tuple[str, str, str, str | None, str, str, datetime | None]
_DOCUMENTS: dict[str, list[_Row]] = {
    "acme": [
        (
            "business_registration",
            "document",
            "Chamber of Commerce extract, Acme Logistics B.V.",
            None,
            "approved",
            "",
            _FAR_AWAY,
        ),
        ("identity", "document", "Passport of the director", None, "approved", "", _FAR_AWAY),
        (
            "local_address",
            "address",
            "Keizersgracht 100, 1015 CV Amsterdam",
            "NL",
            "approved",
            "",
            None,
        ),
        (
            "national_address",
            "address",
            "12 rue de la Paix, 75002 Paris",
            "FR",
            "approved",
            "",
            None,
        ),
        (
            "proof_of_address",
            "document",
            "Electricity bill, Paris office",
            "FR",
            "pending",
            "",
            None,
        ),
        (
            "local_presence",
            "document",
            "Trade registration, Berlin branch",
            "DE",
            "rejected",
            "The address is outside the local area of 030; send the Berlin branch's registration.",
            None,
        ),
        (
            "local_address",
            "address",
            "Friedrichstraße 50, 10117 Berlin",
            "DE",
            "approved",
            "",
            None,
        ),
        (
            "proof_of_address",
            "document",
            "Water bill, Paris office (old)",
            "FR",
            "expired",
            "",
            _FIRST_DAY,
        ),
        ("use_statement", "text", "Order line of the web shop", "NL", "draft", "", None),
        ("national_address", "address", "Meir 50, 2000 Antwerpen", "BE", "approved", "", None),
        ("national_address", "address", "10 Dame Street, Dublin 2", "IE", "approved", "", None),
        ("local_address", "address", "10 Dame Street, Dublin 2", "IE", "approved", "", None),
    ],
    "globex": [
        (
            "business_registration",
            "document",
            "Companies House certificate, Globex Retail Ltd",
            None,
            "approved",
            "",
            _FAR_AWAY,
        ),
    ],
    "initech": [
        (
            "business_registration",
            "document",
            "Register extract, Initech Partners GmbH",
            None,
            "approved",
            "",
            _FAR_AWAY,
        ),
        ("local_address", "address", "Neuer Wall 10, 20354 Hamburg", "DE", "approved", "", None),
    ],
}


def seed(tenants: Mapping[str, Tenant]) -> None:
    """Adds what is missing; rules and decisions that staff changed stay changed."""
    rules = all_rules()
    RequirementSet.objects.bulk_create(
        [
            RequirementSet(
                country=rule.country,
                number_type=rule.number_type,
                action=rule.action,
                who_may_own=rule.who_may_own,
                lead_time_days=rule.lead_time_days,
                source_url=rule.source_url,
            )
            for rule in rules
        ],
        ignore_conflicts=True,
    )
    # Read back: ids of sets that were there already differ from the ones just offered.
    sets = {(row.country, row.number_type, row.action): row for row in RequirementSet.objects.all()}
    Requirement.objects.bulk_create(
        [
            Requirement(
                requirement_set=sets[rule.country, rule.number_type, rule.action],
                position=position,
                code=item.code,
                name=item.name,
                kind=item.kind,
                description=item.description,
                example=item.example,
                acceptance_rules=list(item.rules),
            )
            for rule in rules
            for position, item in enumerate(rule.items, start=1)
        ],
        ignore_conflicts=True,
    )
    Document.objects.bulk_create(
        [
            Document(
                id=uuid.uuid5(_NAMESPACE, f"{tenant.id} {index}"),
                tenant=tenant,
                requirement_code=code,
                kind=kind,
                name=name,
                country=country,
                status=status,
                rejection_reason=reason,
                expires_at=expires_at,
                created_at=_FIRST_DAY + timedelta(days=index),
            )
            for slug, tenant in tenants.items()
            for index, (code, kind, name, country, status, reason, expires_at) in enumerate(
                _DOCUMENTS.get(slug, [])
            )
        ],
        ignore_conflicts=True,
    )
