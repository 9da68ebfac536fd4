from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from cliqtel_portal.errors import NotFound
from cliqtel_portal.regulatory import services
from tests.factories.regulatory import DocumentFactory, RequirementFactory, RequirementSetFactory

NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture
def rules(db):
    rules = RequirementSetFactory(country="NL", number_type="local", lead_time_days=3)
    RequirementFactory(requirement_set=rules, position=2, code="local_address", kind="address")
    RequirementFactory(requirement_set=rules, position=1, code="business_registration")
    return rules


def check(tenant, **arguments):
    return services.check_requirements(
        tenant, country="NL", number_type="local", at=NOW, **arguments
    )


def test_what_is_asked_comes_in_its_order_with_lead_time_and_owner(acme, rules):
    found = check(acme)
    assert [item.code for item in found.requirements] == ["business_registration", "local_address"]
    assert found.requirements[0].acceptance_rules == ("Not older than 3 months.",)
    assert found.lead_time_days == 3
    assert found.who_may_own == rules.who_may_own


def test_approved_documents_satisfy_and_the_rest_is_missing(acme, rules):
    document = DocumentFactory(tenant=acme, approved=True)
    found = check(acme)
    assert [item.document_id for item in found.already_satisfied] == [document.id]
    assert [(item.name, item.state) for item in found.missing] == [("Local Address", "none")]
    assert found.missing[0].next_step == "Tell Cliqtel support the address."


@pytest.mark.parametrize("status", ["draft", "pending", "rejected", "expired"])
def test_a_document_that_is_not_approved_does_not_count_but_shows(acme, rules, status):
    DocumentFactory(tenant=acme, status=status)
    found = check(acme)
    assert found.already_satisfied == ()
    assert found.missing[0].state == status


def test_an_approval_counts_until_its_last_moment(acme, rules):
    document = DocumentFactory(tenant=acme, approved=True, expires_at=NOW + timedelta(seconds=1))
    assert len(check(acme).already_satisfied) == 1
    document.expires_at = NOW
    document.save()
    assert check(acme).already_satisfied == ()
    assert check(acme).missing[0].state == "expired"


def test_a_document_counts_in_its_country_or_everywhere(acme, rules):
    abroad = DocumentFactory(tenant=acme, approved=True, country="FR")
    assert check(acme).already_satisfied == ()
    abroad.country = "NL"
    abroad.save()
    assert len(check(acme).already_satisfied) == 1


def test_the_reviewers_reason_is_the_next_step(acme, rules):
    DocumentFactory(tenant=acme, status="rejected", rejection_reason="The scan is cut off.")
    assert check(acme).missing[0].next_step == "Rejected: The scan is cut off."


def test_documents_of_mallory_satisfy_nobody_else(acme, rules, mallory):
    DocumentFactory(tenant=mallory.tenant, approved=True)
    assert check(acme).already_satisfied == ()
    assert len(check(mallory.tenant).already_satisfied) == 1


def test_checking_takes_three_queries_however_much_is_asked(acme, rules, django_assert_num_queries):
    for n in range(5):
        RequirementFactory(requirement_set=rules, position=10 + n)
        DocumentFactory(tenant=acme, approved=True)
    with django_assert_num_queries(3):
        check(acme)


def test_a_type_that_is_not_offered_is_not_found(acme, rules):
    with pytest.raises(NotFound, match="get_pricing"):
        services.check_requirements(acme, country="NL", number_type="mobile")
    with pytest.raises(NotFound):
        check(acme, action="port")


def test_names_tell_nothing_asked_from_no_rules(rules, django_assert_num_queries):
    RequirementSetFactory(country="GB", number_type="local")
    with django_assert_num_queries(1):
        names = services.requirement_names([("NL", "local"), ("GB", "local"), ("FR", "local")])
    assert names == {
        ("NL", "local"): ("Business Registration", "Local Address"),
        ("GB", "local"): (),
    }


def test_a_reason_without_a_rejection_is_refused(acme):
    with pytest.raises(IntegrityError, match="reason_only_rejected"), transaction.atomic():
        DocumentFactory(tenant=acme, status="approved", rejection_reason="Why?")
