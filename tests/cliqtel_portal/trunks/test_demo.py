from __future__ import annotations

import pytest

from cliqtel_portal.accounts.models import Tenant
from cliqtel_portal.trunks import demo
from cliqtel_portal.trunks.credentials import read_password
from cliqtel_portal.trunks.models import Trunk, TrunkCredential
from tests.factories.accounts import TenantFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def tenants() -> dict[str, Tenant]:
    return {slug: TenantFactory(slug=slug) for slug in ("acme", "globex", "initech")}


def test_acme_has_a_registered_trunk_and_one_that_was_refused(tenants: dict[str, Tenant]) -> None:
    demo.seed(tenants)
    of_acme = {trunk.name: trunk for trunk in Trunk.objects.for_tenant(tenants["acme"])}
    assert set(of_acme) == {"Amsterdam HQ", "London office"}
    assert of_acme["Amsterdam HQ"].registration_state == "registered"
    assert of_acme["London office"].registration_state == "unregistered"
    assert of_acme["London office"].last_sip_code == 403


def test_a_second_run_adds_nothing_and_keeps_the_passwords(tenants: dict[str, Tenant]) -> None:
    demo.seed(tenants)
    trunk = Trunk.objects.get(name="Amsterdam HQ")
    password = read_password(trunk)
    demo.seed(tenants)
    assert Trunk.objects.count() == 5
    assert TrunkCredential.objects.count() == 4
    assert read_password(trunk) == password
