"""Django admin: who gets in, and what staff do with people and tenants there."""

from __future__ import annotations

import pytest
from allauth.account.models import EmailAddress
from django.contrib.admin.models import LogEntry
from django.test import Client

from cliqtel_portal.accounts.models import Membership, Tenant, User
from tests.factories.accounts import MembershipFactory, UserFactory

PASSWORD = "correct horse battery"


@pytest.fixture
def staff(db: None) -> User:
    return UserFactory(email="staff@cliqtel.example", is_staff=True, is_superuser=True)


@pytest.fixture
def office(client: Client, staff: User) -> Client:
    client.force_login(staff)
    return client


def test_admin_has_no_door_of_its_own(client: Client, db: None) -> None:
    response = client.get("/admin/accounts/user/", follow=True)

    assert response.redirect_chain[-1][0] == "/account/login/?next=%2Fadmin%2Faccounts%2Fuser%2F"
    assert client.post("/admin/login/", {"username": "x", "password": "y"}).status_code == 302


def test_staff_sign_in_and_reach_admin(client: Client, staff: User) -> None:
    fields = {"login": staff.email, "password": PASSWORD, "next": "/admin/"}
    response = client.post("/account/login/", fields, follow=True)

    assert response.status_code == 200
    assert "Cliqtel administration" in response.content.decode()


def test_an_owner_of_a_tenant_is_not_staff(client: Client, alice: Membership) -> None:
    client.force_login(alice.user)
    response = client.get("/admin/", follow=True)

    assert response.status_code == 403
    assert "You may not open this page" in response.content.decode()


def test_staff_create_a_person_with_a_password(office: Client) -> None:
    fields = {
        "email": "New.Person@acme.example",
        "name": "New Person",
        "usable_password": "true",
        "password1": PASSWORD,
        "password2": PASSWORD,
    }
    response = office.post("/admin/accounts/user/add/", fields)

    assert response.status_code == 302
    person = User.objects.get(email="new.person@acme.example")
    assert person.check_password(PASSWORD)
    assert not person.is_staff


def _fields(page: object) -> dict[str, object]:
    """The change form as it came, ready to be posted back."""
    form = page.context["adminform"].form
    fields = {name: form[name].value() for name in form.fields if form[name].value() is not None}
    for formset in page.context["inline_admin_formsets"]:
        management = formset.formset.management_form
        fields |= {f"{formset.formset.prefix}-{k}": v for k, v in management.initial.items()}
        for inline in formset.formset.initial_forms:
            fields |= {
                inline.add_prefix(name): inline[name].value()
                for name in inline.fields
                if inline[name].value() is not None
            }
    return fields


def test_a_changed_address_opens_the_account_and_the_old_one_does_not(
    office: Client, alice: Membership
) -> None:
    visitor = Client()
    visitor.post("/account/password/reset/", {"email": "alice@acme.example"})
    assert EmailAddress.objects.filter(email="alice@acme.example").exists()
    address = f"/admin/accounts/user/{alice.user_id}/change/"
    fields = _fields(office.get(address)) | {"email": "Anna@acme.example"}
    assert office.post(address, fields).status_code == 302

    def enter(email: str) -> int:
        return Client().post("/account/login/", {"login": email, "password": PASSWORD}).status_code

    assert enter("anna@acme.example") == 302
    assert enter("alice@acme.example") == 200


def test_staff_set_a_tenants_own_limits(office: Client, alice: Membership) -> None:
    address = f"/admin/accounts/tenant/{alice.tenant_id}/change/"
    fields = _fields(office.get(address)) | {"burst_per_minute": 42}
    response = office.post(address, fields)

    assert response.status_code == 302, response.context["errors"]
    assert Tenant.objects.get(pk=alice.tenant_id).burst_per_minute == 42
    assert Membership.objects.get(pk=alice.pk).role == "owner"


def test_the_history_says_what_a_limit_was_and_is(office: Client, alice: Membership) -> None:
    Tenant.objects.update(tier="embed", burst_per_minute=500)
    address = f"/admin/accounts/tenant/{alice.tenant_id}/change/"
    fields = _fields(office.get(address)) | {"burst_per_minute": "9000", "connections": "0"}
    office.post(address, fields | {"tier": "automate", "name": "Acme Group"})

    entry = LogEntry.objects.get(object_id=str(alice.tenant_id))
    assert entry.user.email == "staff@cliqtel.example"
    assert entry.get_change_message() == (
        "Changed Name, Tier from embed to automate, Burst per minute from 500 to 9000 and"
        " Connections from the tier's to 0."
    )
    assert LogEntry.objects.count() == 1
    office.post(address, _fields(office.get(address)) | {"burst_per_minute": ""})
    assert "from 9000 to the tier's" in LogEntry.objects.first().get_change_message()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("burst_per_minute", "0"),
        ("calls_per_month", "0"),
        ("burst_per_minute", "-1"),
        ("connections", "-1"),
        ("burst_per_minute", "1000000001"),
        ("calls_per_month", "many"),
    ],
)
def test_a_limit_that_is_none_is_refused_beside_its_field(
    office: Client, alice: Membership, name: str, value: str
) -> None:
    address = f"/admin/accounts/tenant/{alice.tenant_id}/change/"
    response = office.post(address, _fields(office.get(address)) | {name: value})

    assert response.status_code == 200
    assert list(response.context["adminform"].form.errors) == [name]
    assert getattr(Tenant.objects.get(pk=alice.tenant_id), name) is None
    assert not LogEntry.objects.exists()


def test_a_time_zone_that_does_not_exist_is_refused(office: Client, alice: Membership) -> None:
    address = f"/admin/accounts/tenant/{alice.tenant_id}/change/"
    fields = _fields(office.get(address)) | {"time_zone": "Mars/Olympus"}

    assert office.post(address, fields).status_code == 200
    assert Tenant.objects.get(pk=alice.tenant_id).time_zone == "Europe/Amsterdam"


@pytest.mark.parametrize("model", ["user", "tenant", "membership", "partner"])
def test_lists_search_and_open_under_the_strict_policy(
    office: Client, alice: Membership, model: str
) -> None:
    response = office.get(f"/admin/accounts/{model}/", {"q": "acme"})

    assert response.status_code == 200
    assert "unsafe" not in response["Content-Security-Policy"]
    assert "css/admin.css" in response.content.decode()


@pytest.mark.parametrize("model", ["membership", "tenant"])
def test_a_longer_list_takes_no_more_queries(
    office: Client, alice: Membership, model: str, django_assert_num_queries: object
) -> None:
    office.get(f"/admin/accounts/{model}/")
    with django_assert_num_queries(8, exact=False) as few:  # type: ignore[operator]
        office.get(f"/admin/accounts/{model}/")
    MembershipFactory.create_batch(5)
    with django_assert_num_queries(len(few)):  # type: ignore[operator]
        office.get(f"/admin/accounts/{model}/")
