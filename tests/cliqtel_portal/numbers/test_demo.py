from __future__ import annotations

import re
import threading

import phonenumbers
import pytest
from django.db import connection

from cliqtel_portal.callflows import demo as callflows_demo
from cliqtel_portal.numbers import demo
from cliqtel_portal.numbers.demo_owned import OWNED
from cliqtel_portal.numbers.demo_stock import RANGES
from cliqtel_portal.numbers.models import EmergencyAddress, PhoneNumber, StockNumber
from cliqtel_portal.numbers.services import StockFilters, search_stock
from cliqtel_portal.pricing import demo as pricing_demo
from cliqtel_portal.regulatory import demo as regulatory_demo
from cliqtel_portal.trunks import demo as trunks_demo
from tests.factories.accounts import TenantFactory

# Kept by the regulators for films and examples; libphonenumber calls some of them invalid.
FICTION = re.compile(
    r"\+447700900\d{3}"  # Ofcom
    r"|\+3363998\d{4}"  # ARCEP
    r"|\+35320910\d{4}"  # ComReg
)

ALL_NUMBERS = sorted(
    {(e164, found.country) for found in RANGES for e164 in found.numbers()}
    | {(one.e164, one.country) for owned in OWNED.values() for one in owned}
)


@pytest.fixture
def tenants(db):
    return {slug: TenantFactory(slug=slug) for slug in ("acme", "globex", "initech")}


def seed(tenants):
    pricing_demo.seed(tenants)
    regulatory_demo.seed(tenants)
    demo.seed(tenants)


def counts():
    models = (StockNumber, PhoneNumber, EmergencyAddress)
    return [model.objects.count() for model in models]


def test_every_number_is_valid_in_its_country_or_kept_for_fiction():
    for e164, country in ALL_NUMBERS:
        parsed = phonenumbers.parse(e164)
        assert FICTION.fullmatch(e164) or phonenumbers.is_valid_number_for_region(
            parsed, country
        ), e164
        assert phonenumbers.is_possible_number(parsed), e164


def test_no_number_is_in_the_demo_twice():
    listed = [e164 for found in RANGES for e164 in found.numbers()]
    listed += [one.e164 for owned in OWNED.values() for one in owned]
    assert len(listed) == len(set(listed)) == len(ALL_NUMBERS)


def test_each_tenant_has_what_the_contract_says(tenants):
    seed(tenants)
    acme = PhoneNumber.objects.for_tenant(tenants["acme"]).exclude(status="released")
    assert acme.count() >= 24
    assert acme.values("country").distinct().count() == 6
    assert set(acme.values_list("status", flat=True)) == {
        "active",
        "disabled",
        "porting",
        "provisioning",
        "quarantine",
    }
    assert set(acme.values_list("emergency_state", flat=True)) == {"none", "pending", "validated"}
    assert PhoneNumber.objects.for_tenant(tenants["globex"]).count() == 4
    assert PhoneNumber.objects.for_tenant(tenants["initech"]).count() == 8
    assert not PhoneNumber.objects.filter(is_demo=False).exists()


def test_numbers_lead_to_the_trunks_and_flows_of_their_tenants(tenants):
    trunks_demo.seed(tenants)
    callflows_demo.seed(tenants)
    seed(tenants)
    for slug, owned in OWNED.items():
        for one in owned:
            number = PhoneNumber.objects.for_tenant(tenants[slug]).get(e164=one.e164)
            target = number.trunk or number.call_flow
            assert (target.name if target else "") == (one.trunk or one.flow), one.e164
    numbers = PhoneNumber.objects.for_tenant(tenants["acme"]).filter(status="active")
    loose = numbers.filter(trunk__isnull=True, call_flow__isnull=True)
    assert [number.e164 for number in loose] == ["+31101230900"]
    assert numbers.filter(call_flow__status="draft").exists()
    assert numbers.filter(trunk__registration_state="registered").exists()
    assert numbers.exclude(trunk=None).exclude(trunk__registration_state="registered").exists()


def test_there_is_stock_in_eight_countries_and_more_with_blocks(tenants):
    seed(tenants)
    countries = StockNumber.objects.values_list("country", flat=True).distinct()
    assert len(countries) >= 8
    for country in countries:
        assert 60 <= StockNumber.objects.filter(country=country).count() <= 160
        page = search_stock(
            tenants["acme"],
            StockFilters(country=country, quantity=10, consecutive=True),
            limit=10,
        )
        assert len(page.numbers) == 10, country


def test_documents_are_asked_for_where_the_rules_say_so(tenants):
    seed(tenants)
    asks = StockNumber.objects.filter(requires_documents=True)
    assert not asks.filter(country__in=["GB", "US"]).exists()
    assert not StockNumber.objects.filter(country="DE", requires_documents=False).exists()


def test_seeding_twice_changes_nothing_and_keeps_what_people_did(tenants):
    seed(tenants)
    before = counts()
    number = PhoneNumber.objects.get(e164="+31101230900")
    number.status = "released"
    number.save()
    seed(tenants)
    assert counts() == before
    number.refresh_from_db()
    assert number.status == "released"


@pytest.mark.django_db(transaction=True)
def test_two_that_seed_at_once_leave_one_demo():
    tenants = {slug: TenantFactory(slug=slug) for slug in ("acme", "globex", "initech")}
    failures: list[Exception] = []

    def run() -> None:
        try:
            seed(tenants)
        except Exception as error:  # noqa: BLE001 - reported below
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert StockNumber.objects.count() == sum(len(found.numbers()) for found in RANGES)
    assert PhoneNumber.objects.count() == sum(len(owned) for owned in OWNED.values())
