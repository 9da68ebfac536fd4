from __future__ import annotations

import pytest
from django.test import Client

from tests.factories.accounts import UserFactory
from tests.factories.approvals import approval_in, make_policy


@pytest.fixture
def staff(db, client: Client) -> Client:
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    return client


@pytest.mark.parametrize("model", ["approval", "policy"])
def test_staff_look_and_change_nothing(staff, alice, model):
    row = approval_in("executed", alice) if model == "approval" else make_policy(alice)
    base = f"/admin/approvals/{model}/"
    assert str(row.pk) in staff.get(base).content.decode()
    assert staff.get(base, {"q": "acme"}).status_code == 200
    assert staff.get(f"{base}{row.pk}/change/").status_code == 200
    assert staff.get(f"{base}add/").status_code == 403
    assert staff.post(f"{base}{row.pk}/change/", {"status": "failed"}).status_code == 403
    assert staff.post(f"{base}{row.pk}/delete/", {"post": "yes"}).status_code == 403


def test_an_approval_is_found_by_its_id_or_its_call(staff, alice):
    approval = approval_in("executed", alice, call_id="019a0000-0000-7000-8000-000000000000")
    for term in (approval.pk, approval.call_id):
        found = staff.get("/admin/approvals/approval/", {"q": str(term)})
        assert f"/admin/approvals/approval/{approval.pk}/change/" in found.content.decode()


def test_an_attackers_words_are_inert_in_admin(staff, alice):
    approval = approval_in("pending", alice, reason_text="<script>alert(1)</script>")
    page = staff.get(f"/admin/approvals/approval/{approval.pk}/change/").content.decode()
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page
