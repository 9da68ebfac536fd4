from __future__ import annotations

import pytest
from django.test import Client

from tests.factories.accounts import UserFactory
from tests.factories.billing import (
    LedgerEntryFactory,
    UsageStatementFactory,
    UsageWarningFactory,
)

FACTORIES = {
    "ledgerentry": LedgerEntryFactory,
    "usagestatement": UsageStatementFactory,
    "usagewarning": UsageWarningFactory,
}


@pytest.fixture
def staff(db, client: Client) -> Client:
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    return client


@pytest.mark.parametrize("model", FACTORIES)
def test_staff_can_list_search_and_open(staff, model):
    row = FACTORIES[model]()
    base = f"/admin/billing/{model}/"
    assert str(row.pk) in staff.get(base).content.decode()
    assert staff.get(base, {"q": "x"}).status_code == 200
    assert staff.get(f"{base}{row.pk}/change/").status_code == 200


@pytest.mark.parametrize("model", ["usagestatement", "usagewarning"])
def test_what_was_closed_or_told_is_read_only(staff, model):
    row = FACTORIES[model]()
    base = f"/admin/billing/{model}/"
    assert staff.get(f"{base}add/").status_code == 403
    assert staff.post(f"{base}{row.pk}/change/", {"month": "2026-09-01"}).status_code == 403
    assert staff.post(f"{base}{row.pk}/delete/", {"post": "yes"}).status_code == 403
    assert type(row).objects.filter(pk=row.pk, month=row.month).exists()


def test_nobody_adds_changes_or_deletes_an_entry_in_admin(staff):
    entry = LedgerEntryFactory()
    base = "/admin/billing/ledgerentry/"
    assert staff.get(f"{base}add/").status_code == 403
    assert staff.post(f"{base}{entry.pk}/change/", {"amount": "99"}).status_code == 403
    assert staff.post(f"{base}{entry.pk}/delete/", {"post": "yes"}).status_code == 403
    entry.refresh_from_db()
    assert entry.amount == 10
