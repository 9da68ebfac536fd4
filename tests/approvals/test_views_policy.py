"""Settings → Approval policy."""

from __future__ import annotations

from decimal import Decimal
from html import unescape

import pytest
from django.db import DatabaseError, transaction
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from approvals.models import Policy, PolicyChange
from approvals.policies import terms_of
from approvals.policy_changes import set_policy
from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.errors import InvalidArguments
from tests.approvals.pages import signed_in
from tests.factories.accounts import MembershipFactory

pytestmark = pytest.mark.django_db

LIST = "/settings/approvals/"
PURCHASE = f"{LIST}purchase_number/"
GIVEN = {
    "decider_role": "admin",
    "always_four_eyes": "on",
    "four_eyes_from": "250.00",
    "layer_0_from": "1000",
    "layer_0_deciders": "2",
    "layer_1_from": "5000",
    "layer_1_deciders": "3",
    "expires_hours": "12.5",
}


def page_of(member: Membership, path: str = LIST) -> str:
    response = signed_in(member).get(path)
    assert response.status_code == 200
    return unescape(response.content.decode())


def save(member: Membership, path: str = PURCHASE, **changes: str) -> str:
    data = {key: value for key, value in (GIVEN | changes).items() if value != "-"}
    return unescape(signed_in(member).post(path, data, follow=True).content.decode())


def test_a_stranger_is_sent_to_the_login() -> None:
    for path in ("/settings/", LIST, PURCHASE):
        assert Client().get(path)["Location"] == f"/account/login/?next={path}"


@pytest.mark.parametrize("role", ["viewer", "member", "approver", "admin", "owner"])
def test_everybody_reads_and_admins_change(alice: Membership, role: str) -> None:
    reader = MembershipFactory(tenant=alice.tenant, role=role)
    may_edit = role in {"admin", "owner"}
    listed = page_of(reader)
    for text in (
        "Buy numbers",
        "Approvers, admins and owners",
        "From €500.00",
        "After 24 hours",
        "The default",
    ):
        assert text in listed
    assert ("Change: Buy numbers" in listed) is may_edit
    assert ("Save" in page_of(reader, PURCHASE)) is may_edit
    response = signed_in(reader).post(PURCHASE, GIVEN)
    assert response.status_code == (302 if may_edit else 403)
    assert Policy.objects.exists() is may_edit


def test_what_is_saved_holds_and_is_in_the_history(alice: Membership) -> None:
    page = save(alice)
    terms = terms_of(alice.tenant, "purchase_number")
    assert (terms.decider_role, terms.always_four_eyes) == ("admin", True)
    assert (terms.four_eyes_from, terms.expires_seconds) == (Decimal("250"), 45_000)
    assert [(layer.amount_from, layer.deciders) for layer in terms.layers] == [
        (Decimal("1000"), 2),
        (Decimal("5000"), 3),
    ]
    change = PolicyChange.objects.get()
    assert (change.actor, change.action, change.tenant) == (
        alice.user,
        "purchase_number",
        alice.tenant,
    )
    assert change.before["four_eyes_from"] == "500.00"
    assert change.after["four_eyes_from"] == "250.00"
    assert "Saved." in page
    assert "One person, 2 from €1,000.00, 3 from €5,000.00" in page
    assert alice.user.display_name in page
    assert 'value="12.50"' in page
    assert 'value="1000.00"' in page
    assert f"Changed by <bdi>{alice.user.display_name}</bdi>" in page_of(alice)

    save(alice)  # the same again
    assert PolicyChange.objects.count() == 1
    save(alice, four_eyes_from="", layer_1_from="", layer_1_deciders="", always_four_eyes="-")
    assert PolicyChange.objects.count() == 2
    terms = terms_of(alice.tenant, "purchase_number")
    assert (terms.four_eyes_from, terms.always_four_eyes, len(terms.layers)) == (None, False, 1)
    latest = PolicyChange.objects.newest_first()[0]
    assert latest.before == change.after


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"four_eyes_from": "-5"}, ["Give an amount from 0"]),
        ({"four_eyes_from": "x"}, ["Enter a number"]),
        ({"expires_hours": "0.01"}, ["Give 5 minutes at least, 30 days at most."]),
        ({"expires_hours": "721"}, ["Give 5 minutes at least, 30 days at most."]),
        ({"expires_hours": ""}, ["This field is required"]),
        ({"decider_role": "viewer"}, ["Select a valid choice"]),
        ({"layer_0_deciders": ""}, ["Give both, an amount and a number of people."]),
        ({"layer_0_from": ""}, ["Give both, an amount and a number of people."]),
        ({"layer_0_deciders": "11"}, ["less than or equal to 10"]),
        ({"layer_1_deciders": "1"}, ["A higher amount never asks for fewer people."]),
        (
            {"four_eyes_from": "-5", "expires_hours": "0.01", "layer_1_deciders": "1"},
            ["Give an amount from 0", "Give 5 minutes", "A higher amount never"],
        ),
    ],
)
def test_what_makes_no_sense_is_told_all_at_once_and_not_saved(
    alice: Membership, changes: dict[str, str], said: list[str]
) -> None:
    page = save(alice, **changes)
    assert "Nothing was saved." in page
    for text in said:
        assert text in page
    assert not Policy.objects.exists()
    assert not PolicyChange.objects.exists()


def test_a_release_always_needs_another_person(alice: Membership) -> None:
    path = f"{LIST}release_number/"
    page = page_of(alice, path)
    assert "Fixed for this action." in page
    save(alice, path, always_four_eyes="-", deciders="1", decider_role="owner")
    assert terms_of(alice.tenant, "release_number").decider_role == "owner"
    assert terms_of(alice.tenant, "release_number").always_four_eyes


def test_what_costs_nothing_has_people_and_no_amounts(alice: Membership) -> None:
    path = f"{LIST}assign_number/"
    page = page_of(alice, path)
    assert "How many people agree" in page
    assert "(EUR)" not in page
    saved = save(alice, path, deciders="2", always_four_eyes="-")
    assert "One person</del> → 2 people" in saved
    terms = terms_of(alice.tenant, "assign_number")
    assert [(layer.amount_from, layer.deciders) for layer in terms.layers] == [(Decimal(0), 2)]
    assert terms.four_eyes_from == Decimal("500")
    save(alice, path, deciders="1")
    assert terms_of(alice.tenant, "assign_number").layers == ()


def test_an_unknown_action_has_no_page(alice: Membership) -> None:
    client = signed_in(alice)
    assert client.get(f"{LIST}delete_everything/").status_code == 404
    assert client.post(f"{LIST}delete_everything/", GIVEN).status_code == 404


def test_a_neighbour_neither_sees_nor_changes_it(alice: Membership, mallory: Membership) -> None:
    save(alice)
    assert "€250.00" not in page_of(mallory) + page_of(mallory, PURCHASE)
    assert "Never changed" in page_of(mallory, PURCHASE)
    save(mallory, four_eyes_from="1")
    assert terms_of(alice.tenant, "purchase_number").four_eyes_from == Decimal("250")


def test_the_history_is_kept_for_ever(alice: Membership) -> None:
    save(alice)
    for change in (
        PolicyChange.objects.all().delete,
        lambda: PolicyChange.objects.update(after={}),
    ):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            change()
    assert PolicyChange.objects.get().after["four_eyes_from"] == "250.00"


def test_amounts_beyond_all_reason_are_refused_by_the_service_too(alice: Membership) -> None:
    with pytest.raises(InvalidArguments) as caught:
        set_policy(
            alice,
            action="purchase_number",
            layers=[{"from": "1E+12", "deciders": 2}],
            four_eyes_from=Decimal("NaN"),
            always_four_eyes=False,
            decider_role=Policy.DeciderRole.OWNER,
            expires_seconds=0,
        )
    fields = {problem.field for problem in caught.value.problems}
    assert fields == {"layers", "four_eyes_from", "expires_seconds"}


def test_the_list_costs_the_same_for_many_policies(
    alice: Membership, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client = signed_in(alice)
    client.get(LIST)  # the first use of a session is written down
    # Session, user, memberships; rules, who changed them; rail.
    with django_assert_num_queries(6):
        client.get(LIST)
    save(alice)
    save(alice, f"{LIST}send_message/")
    with django_assert_num_queries(6):
        client.get(LIST)
