"""The demo is what contract.md says, and seeding again changes nothing."""

from __future__ import annotations

import io
from collections import Counter

import pytest
from django.apps import apps
from django.contrib.auth import authenticate
from django.core.management import call_command
from django.db.models import F

from audit.models import ToolCall
from cliqtel_portal.accounts.models import Membership, Tenant, User
from cliqtel_portal.callflows.models import CallFlow
from cliqtel_portal.docs.models import Article
from cliqtel_portal.management.commands.demo import PASSWORD_VARIABLE, is_seeded, seed
from cliqtel_portal.messaging.services import daily_allowance
from cliqtel_portal.numbers.models import PhoneNumber, StockNumber
from cliqtel_portal.pricing.services import current_prices
from cliqtel_portal.regulatory.models import RequirementSet
from cliqtel_portal.trunks.models import Trunk
from mcp_access.models import AccessToken

pytestmark = pytest.mark.django_db

PEOPLE = {
    ("owner@acme.test", "acme", "owner"),
    ("approver@acme.test", "acme", "approver"),
    ("member@acme.test", "acme", "member"),
    ("owner@globex.test", "globex", "owner"),
    ("owner@initech.test", "initech", "owner"),
}


@pytest.fixture(autouse=True)
def _no_password_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PASSWORD_VARIABLE, raising=False)


def counts() -> dict[str, int]:
    return {model._meta.label: model._default_manager.count() for model in apps.get_models()}


def hashes() -> dict[str, str]:
    return dict(User.objects.values_list("email", "password"))


def test_the_demo_holds_what_the_contract_says() -> None:
    seed()

    assert dict(Tenant.objects.values_list("slug", "tier")) == {
        "acme": "automate",
        "globex": "discover",
        "initech": "embed",
    }
    assert set(Tenant.objects.values_list("status", flat=True)) == {"active"}
    live = Membership.objects.live()
    assert set(live.values_list("user__email", "tenant__slug", "role")) == PEOPLE
    staff = User.objects.get(is_staff=True)
    assert (staff.email, staff.is_superuser) == ("staff@cliqtel.test", True)
    assert not staff.memberships.exists()
    assert User.objects.count() == 6

    acme = Tenant.objects.get(slug="acme")
    numbers = PhoneNumber.objects.for_tenant(acme).exclude(status="released")
    assert numbers.count() >= 24
    assert numbers.values("country").distinct().count() == 6
    in_service = numbers.filter(status="active")
    assert in_service.filter(call_flow__isnull=True, trunk__isnull=True).exists()
    assert in_service.filter(call_flow__isnull=False).exists()
    assert in_service.filter(trunk__isnull=False).exists()

    trunks = Trunk.objects.for_tenant(acme).values_list("registration_state", flat=True)
    assert Counter(trunks) == {"registered": 1, "unregistered": 1}
    flows = Counter(CallFlow.objects.for_tenant(acme).values_list("status", flat=True))
    assert flows.total() >= 6
    assert flows["active"] >= 1
    assert flows["draft"] >= 1

    assert Article.objects.count() >= 30
    assert daily_allowance(acme).messages_left == 5

    # A new demo has done nothing yet, and nobody has a token that was not asked for.
    assert not AccessToken.objects.exists()
    assert not ToolCall.objects.exists()


def test_what_can_be_bought_has_a_price_and_its_requirements() -> None:
    seed()
    kinds = set(StockNumber.objects.values_list("country", "number_type"))
    assert len({country for country, _ in kinds}) >= 8
    rules = RequirementSet.objects.filter(action="order")
    assert kinds <= set(rules.values_list("country", "number_type"))
    for tenant in Tenant.objects.all():
        assert current_prices(tenant, kinds).keys() == kinds
    for model in (PhoneNumber, StockNumber):
        assert not model.objects.filter(is_demo=False).exists()


def test_nothing_of_one_tenant_points_into_another() -> None:
    seed()
    for link in ("trunk", "call_flow"):
        crossing = PhoneNumber.objects.exclude(**{f"{link}__tenant": F("tenant")})
        assert not crossing.filter(**{f"{link}__isnull": False}).exists()


def test_seeding_again_changes_nothing() -> None:
    assert not is_seeded()
    assert seed()
    assert is_seeded()
    before, passwords = counts(), hashes()
    Tenant.objects.filter(slug="globex").update(name="Renamed by its owner", tier="automate")
    Membership.objects.filter(user__email="member@acme.test").update(role="viewer")

    assert seed() == "", "nobody was given a password"
    assert counts() == before
    assert hashes() == passwords
    globex = Tenant.objects.get(slug="globex")
    assert (globex.name, globex.tier) == ("Renamed by its owner", "automate")
    assert Membership.objects.get(user__email="member@acme.test").role == "viewer"


def test_the_password_is_random_and_said_once() -> None:
    out = io.StringIO()
    call_command("demo", stdout=out)
    first, last = out.getvalue().splitlines()
    password = first.removeprefix("Password of the demo users: ")
    assert len(password) >= 12
    assert last == "The demo data is complete."
    for email in hashes():
        assert authenticate(username=email, password=password), email

    out = io.StringIO()
    call_command("demo", stdout=out)
    assert out.getvalue() == "The demo data is complete.\n"
    out = io.StringIO()
    call_command("demo", "--reset-password", stdout=out)
    new = out.getvalue().splitlines()[0].removeprefix("Password of the demo users: ")
    assert new != password
    assert authenticate(username="owner@acme.test", password=new)
    assert not authenticate(username="owner@acme.test", password=password)


def test_a_chosen_password_is_everyones_whenever_it_is_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seed()
    monkeypatch.setenv(PASSWORD_VARIABLE, "correct horse battery")
    assert seed() == "correct horse battery"
    for email in hashes():
        assert authenticate(username=email, password="correct horse battery"), email
    before = hashes()
    assert seed() == "", "whoever has it keeps the very hash, and with it their sessions"
    assert hashes() == before
    monkeypatch.delenv(PASSWORD_VARIABLE)
    seed()
    assert hashes() == before
