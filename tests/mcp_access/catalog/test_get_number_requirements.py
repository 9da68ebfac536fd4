from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import jsonschema
import pytest
from pytest_django import DjangoAssertNumQueries

from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.errors import InvalidArguments, NotFound
from mcp_access.catalog.get_number_requirements import get_number_requirements
from mcp_access.tools.tool import Context
from tests.factories.mcp_access import principal_of
from tests.factories.regulatory import DocumentFactory, RequirementFactory, RequirementSetFactory

pytestmark = pytest.mark.django_db


def call(membership: Membership, **arguments: Any) -> dict[str, Any]:
    answer = get_number_requirements.handler(
        Context(principal=principal_of(membership), call_id=str(uuid.uuid4())),
        get_number_requirements.parse(arguments),
    )
    content = answer.result.model_dump(mode="json", exclude_none=True)
    jsonschema.validate(content, get_number_requirements.output_schema)
    return {**content, "text": answer.text}


def german_rules() -> tuple[Any, Any]:
    rules = RequirementSetFactory(
        country="DE", number_type="local", lead_time_days=3, source_url="https://regulator.example/"
    )
    extract = RequirementFactory(
        requirement_set=rules, position=1, code="business_registration", name="Register extract"
    )
    address = RequirementFactory(
        requirement_set=rules, position=2, code="local_address", kind="address", name="Address"
    )
    return extract, address


def test_it_tells_what_is_asked_what_is_there_and_what_is_missing(bob: Membership) -> None:
    extract, address = german_rules()
    document = DocumentFactory(
        tenant=bob.tenant, approved=True, expires_at=datetime(2090, 1, 1, tzinfo=UTC)
    )
    found = call(bob, country="de", number_type="local")
    assert [item["name"] for item in found["requirements"]] == ["Register extract", "Address"]
    assert found["requirements"][1] == {
        "id": str(address.pk),
        "name": "Address",
        "kind": "address",
        "description": "Something to show.",
        "example": "For example this.",
        "acceptance_rules": ["Not older than 3 months."],
    }
    assert found["already_satisfied"] == [
        {
            "requirement_id": str(extract.pk),
            "name": "Register extract",
            "document_id": str(document.pk),
            "document": "Register extract",
            "expires_at": "2090-01-01T00:00:00Z",
        }
    ]
    assert found["missing"] == [
        {
            "requirement_id": str(address.pk),
            "name": "Address",
            "state": "none",
            "next_step": "Tell Cliqtel support the address.",
        }
    ]
    assert found["lead_time_working_days"] == 3
    assert found["who_may_own"] == "Whoever has an address in the area of the code."
    assert found["source_url"] == "https://regulator.example/"
    assert found["action"] == "order"
    assert found["text"] == ("1 of 2 requirements are missing to order a local number in Germany.")


def test_mallorys_documents_stay_hers(bob: Membership, mallory: Membership) -> None:
    german_rules()
    DocumentFactory(tenant=mallory.tenant, approved=True)
    pair = {"country": "DE", "number_type": "local"}
    assert call(bob, **pair)["already_satisfied"] == []
    assert len(call(mallory, **pair)["already_satisfied"]) == 1


def test_a_country_that_asks_for_nothing_says_so(bob: Membership) -> None:
    RequirementSetFactory(country="GB", number_type="toll_free", lead_time_days=0)
    found = call(bob, country="GB", number_type="toll_free")
    assert found["requirements"] == found["missing"] == []
    assert found["lead_time_working_days"] == 0
    assert found["text"] == (
        "Nothing has to be shown to order a toll-free number in United Kingdom."
    )


def test_porting_has_rules_of_its_own(bob: Membership) -> None:
    german_rules()
    port = RequirementSetFactory(country="DE", number_type="local", action="port")
    RequirementFactory(requirement_set=port, name="Porting order", code="business_registration")
    DocumentFactory(tenant=bob.tenant, approved=True)
    found = call(bob, country="DE", number_type="local", action="port")
    assert [item["name"] for item in found["requirements"]] == ["Porting order"]
    assert found["text"] == (
        "Everything needed to port a local number in Germany is approved already."
    )


def test_what_is_not_offered_is_not_found(bob: Membership) -> None:
    german_rules()
    with pytest.raises(NotFound, match="no mobile numbers in Germany"):
        call(bob, country="DE", number_type="mobile")


def test_country_and_type_are_required(bob: Membership) -> None:
    with pytest.raises(InvalidArguments) as caught:
        call(bob, action="lease")
    assert sorted(problem.field for problem in caught.value.problems) == [
        "action",
        "country",
        "number_type",
    ]


def test_it_takes_three_queries(
    bob: Membership, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    german_rules()
    DocumentFactory.create_batch(4, tenant=bob.tenant, approved=True)
    context = Context(principal=principal_of(bob), call_id="1")
    arguments = get_number_requirements.parse({"country": "DE", "number_type": "local"})
    with django_assert_num_queries(3):
        get_number_requirements.handler(context, arguments)
