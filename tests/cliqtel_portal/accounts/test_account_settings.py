"""Settings → Account: time zone and form of amounts."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, transaction
from django.test import Client

from cliqtel_portal.accounts.change_models import AccountChange
from cliqtel_portal.accounts.models import Membership, Tenant
from cliqtel_portal.accounts.services.region import set_region
from cliqtel_portal.errors import InvalidArguments, NotPermitted
from cliqtel_portal.formats import DEFAULT, current
from tests.factories.accounts import MembershipFactory
from tests.factories.billing import LedgerEntryFactory

pytestmark = pytest.mark.django_db
PAGE = "/settings/account/"
DUTCH = {"time_zone": "Pacific/Auckland", "number_format": "nl-NL"}


def test_pages_are_written_as_the_account_chose(client: Client, alice: Membership) -> None:
    LedgerEntryFactory(tenant=alice.tenant, amount="1234.50")
    client.force_login(alice.user)
    assert "€1,234.50" in client.get("/").content.decode()

    response = client.post(PAGE, DUTCH, follow=True)

    assert response.redirect_chain == [(PAGE, 302)]
    assert "Saved." in response.content.decode()
    assert "€\u00a01.234,50" in client.get("/").content.decode()
    assert current() is DEFAULT


def test_who_changed_what_is_on_record_and_stays(client: Client, alice: Membership) -> None:
    client.force_login(alice.user)
    for _ in range(2):
        client.post(PAGE, DUTCH)

    changes = AccountChange.objects.for_tenant(alice.tenant).order_by("setting")
    assert [(one.setting, one.before, one.after, one.by) for one in changes] == [
        ("number_format", "en-GB", "nl-NL", alice.user),
        ("time_zone", "Europe/Amsterdam", "Pacific/Auckland", alice.user),
    ]
    assert "from United Kingdom, Ireland to Netherlands" in client.get(PAGE).content.decode()
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        changes.update(before="x")


@pytest.mark.parametrize(
    ("written", "meant"),
    [("amsterdam", "Europe/Amsterdam"), ("New York", "America/New_York"), ("utc", "UTC")],
)
def test_a_city_is_enough(client: Client, alice: Membership, written: str, meant: str) -> None:
    client.force_login(alice.user)
    client.post(PAGE, {"time_zone": written, "number_format": "en-GB"})

    assert Tenant.objects.get(pk=alice.tenant_id).time_zone == meant


@pytest.mark.parametrize(
    "zone", ["", "Mars/Olympus", "../../etc/passwd", "localtime", "\x00", "é" * 99]
)
def test_what_is_no_place_changes_nothing(client: Client, alice: Membership, zone: str) -> None:
    client.force_login(alice.user)
    response = client.post(PAGE, {"time_zone": zone, "number_format": '"><b>'})

    assert response.status_code == 400
    assert (
        "<b>" not in response.content.decode().partition("<form class=")[2].partition("samples")[0]
    )
    assert Tenant.objects.get(pk=alice.tenant_id).time_zone == "Europe/Amsterdam"
    with pytest.raises(InvalidArguments) as refused:
        set_region(alice, time_zone=zone, number_format="xx")
    assert [one.field for one in refused.value.problems] == ["time_zone", "number_format"]


@pytest.mark.parametrize("role", ["viewer", "member", "approver"])
def test_below_an_admin_it_is_neither_offered_nor_done(
    client: Client, alice: Membership, role: str
) -> None:
    other = MembershipFactory(tenant=alice.tenant, role=role)
    client.force_login(other.user)

    assert client.post(PAGE, DUTCH).status_code == 403
    assert PAGE not in client.get("/settings/approvals/").content.decode()
    with pytest.raises(NotPermitted):
        set_region(other, **DUTCH)
    assert not AccountChange.objects.exists()


def test_another_account_keeps_its_own(
    client: Client, alice: Membership, mallory: Membership
) -> None:
    client.force_login(mallory.user)
    client.post(PAGE, DUTCH)

    assert Tenant.objects.get(pk=alice.tenant_id).number_format == "en-GB"
    assert Tenant.objects.get(pk=mallory.tenant_id).number_format == "nl-NL"
