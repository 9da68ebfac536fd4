"""Rules of countries and what tenants hand in."""

from __future__ import annotations

import factory

from cliqtel_portal.regulatory.models import Document, Requirement, RequirementSet
from tests.factories.accounts import TenantFactory


class RequirementSetFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = RequirementSet

    country = "NL"
    number_type = "local"
    action = "order"
    who_may_own = "Whoever has an address in the area of the code."
    lead_time_days = 2


class RequirementFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Requirement

    requirement_set = factory.SubFactory(RequirementSetFactory)
    position = factory.Sequence(lambda n: n + 1)
    code = factory.Sequence(lambda n: f"code_{n}")
    name = factory.LazyAttribute(lambda item: item.code.replace("_", " ").title())
    kind = "document"
    description = "Something to show."
    example = "For example this."
    acceptance_rules = ["Not older than 3 months."]


class DocumentFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Document

    class Params:
        approved = factory.Trait(status="approved")

    tenant = factory.SubFactory(TenantFactory)
    requirement_code = "business_registration"
    kind = "document"
    name = "Register extract"
