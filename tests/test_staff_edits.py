"""What staff type into Django admin, and only the database refuses."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from cliqtel_portal.numbers.models import PhoneNumber
from tests.factories.accounts import UserFactory
from tests.factories.numbers import PhoneNumberFactory, ReservationFactory
from tests.factories.pricing import PriceFactory
from tests.factories.trunks import TrunkFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff() -> Client:
    client = Client()
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    return client


def save(staff: Client, row: Model, **typed: str) -> Any:
    """Post the row's page as it is, but for what was typed."""
    url = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
    sent: dict[str, Any] = {"credential-TOTAL_FORMS": 0, "credential-INITIAL_FORMS": 0}
    for field in staff.get(url).context["adminform"].form:
        widget = field.field.widget.get_context(field.html_name, field.value(), {})["widget"]
        for part in widget.get("subwidgets", [widget]):
            if part["value"]:
                sent[part["name"]] = part["value"]
    return staff.post(url, sent | typed)


def test_a_trunk_of_another_tenant_is_refused_in_the_form_with_what_was_typed(
    staff: Client,
) -> None:
    number, trunk = PhoneNumberFactory(), TrunkFactory()
    page = save(staff, number, trunk=str(trunk.pk), area="Utrecht")
    assert page.status_code == 200
    shown = page.content.decode()
    assert "Not saved: it breaks the rule numbers_number_same_tenant." in shown
    assert str(trunk.pk) in shown
    assert 'value="Utrecht"' in shown
    kept = PhoneNumber.objects.get(pk=number.pk)
    assert (kept.trunk_id, kept.area) == (None, number.area)
    assert save(staff, number, area="Utrecht").status_code == 302


def test_a_rule_about_a_field_that_is_only_shown_is_told_too(staff: Client) -> None:
    page = save(staff, ReservationFactory(), expires_at_0="2020-05-01", expires_at_1="00:00:00")
    assert "breaks the rule numbers_reservation_ends_after_start" in page.content.decode()


def test_a_price_that_ends_before_it_begins_is_told_beside_the_field(staff: Client) -> None:
    price = PriceFactory(effective_at=datetime(2026, 5, 1, tzinfo=UTC))
    page = save(staff, price, valid_until_0="2026-04-01", valid_until_1="00:00:00")
    assert page.context["adminform"].form.errors == {
        "valid_until": ["It ends before it begins."],
    }


def test_a_registered_trunk_can_be_known_by_its_address_instead(staff: Client) -> None:
    trunk = TrunkFactory(registered=True)
    answer = save(staff, trunk, authentication="ip", allowed_ips="198.51.100.140")
    assert answer.status_code == 302
    trunk.refresh_from_db()
    assert (trunk.authentication, trunk.registration_state) == ("ip", "never")
    assert (trunk.registered_at, trunk.registration_expires_at) == (None, None)
