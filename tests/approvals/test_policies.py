"""Who may decide what: roles, amounts, own or another's, and who there is at all."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from approvals import services
from approvals.cards import cards_of
from approvals.errors import AlreadyDecided, OwnRequest, PasswordRequired
from approvals.models import Approval, Decision, Policy
from approvals.policies import parse_layers, requirement_of, terms_of
from approvals.policy_changes import set_policy
from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.errors import InvalidArguments, NotFound, NotPermitted
from tests.factories.accounts import MembershipFactory
from tests.factories.approvals import ACTION, decide, make_approval, make_policy, quote_of

ROLES = ["viewer", "member", "approver", "admin", "owner"]


def approve(actor, approval, **options):
    return services.approve(actor, approval_id=approval.pk, seen_digest=approval.digest, **options)


def reject(actor, approval):
    return services.reject(actor, approval_id=approval.pk)


@pytest.mark.parametrize("decider_role", ["approver", "admin", "owner"])
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("verb", [approve, reject])
def test_only_the_policys_roles_decide(alice, bob, executor, decider_role, role, verb):
    make_policy(alice, decider_role=decider_role)
    actor = MembershipFactory(tenant=alice.tenant, role=role)
    approval = make_approval(bob)
    if ROLES.index(role) >= ROLES.index(decider_role):
        verb(actor, approval)
        assert Decision.objects.get().user == actor.user
        return
    with pytest.raises(NotPermitted):
        verb(actor, approval)
    approval.refresh_from_db()
    assert (approval.status, Decision.objects.count()) == ("pending", 0)


@pytest.mark.parametrize("role", ["viewer", "member"])
def test_who_may_not_decide_may_not_by_default_either(alice, executor, role):
    actor = MembershipFactory(tenant=alice.tenant, role=role)
    approval = make_approval(actor)
    with pytest.raises(NotPermitted):
        approve(actor, approval, password_confirmed=True)
    assert not Decision.objects.exists()


@pytest.mark.parametrize(
    ("once", "monthly", "own", "allowed"),
    [
        ("499.99", "0", True, True),
        ("500", "0", True, False),
        ("250", "250", True, False),
        ("0", "500", True, False),
        ("499", "0.99", True, True),
        ("500", "0", False, True),
        ("90000", "0", False, True),
    ],
)
def test_four_eyes_from_five_hundred(alice, carol, executor, once, monthly, own, allowed):
    executor.price = quote_of(once, monthly)
    approval = make_approval(alice if own else carol, price=executor.price)
    if allowed:
        assert approve(alice, approval).approval.status == "approved"
        return
    with pytest.raises(OwnRequest):
        approve(alice, approval, password_confirmed=True)
    assert approve(carol, approval).approval.status == "approved"


def test_what_costs_nothing_may_be_approved_by_who_asked(alice, carol, executor):
    assert approve(alice, make_approval(alice)).missing == 0


def test_a_release_always_needs_another_person(alice, carol, executor):
    make_policy(alice, action="release_number", always_four_eyes=False)
    approval = make_approval(alice, action="release_number")
    with pytest.raises(OwnRequest):
        approve(alice, approval, password_confirmed=True)
    assert approve(carol, approval).missing == 0


def test_a_policy_may_ask_four_eyes_for_anything(alice, carol, executor):
    make_policy(alice, always_four_eyes=True)
    with pytest.raises(OwnRequest):
        approve(alice, make_approval(alice))


def test_a_policy_may_move_the_amount(alice, carol, executor):
    make_policy(alice, four_eyes_from=Decimal("10"))
    executor.price = quote_of("10")
    with pytest.raises(OwnRequest):
        approve(alice, make_approval(alice, price=executor.price))


def test_an_amount_in_another_currency_is_above_every_threshold(alice, carol, executor):
    executor.price = quote_of("1", currency="USD")
    with pytest.raises(OwnRequest):
        approve(alice, make_approval(alice, price=executor.price))


def test_the_only_decider_confirms_with_a_password_instead(alice, bob, executor):
    executor.price = quote_of("500")
    approval = make_approval(alice, price=executor.price)
    with pytest.raises(PasswordRequired):
        approve(alice, approval)
    assert not Decision.objects.exists()
    assert approve(alice, approval, password_confirmed=True).missing == 0
    assert Decision.objects.get().with_password


def test_the_only_decider_needs_no_password_for_anothers_draft_or_a_small_one(alice, bob, executor):
    executor.price = quote_of("500")
    assert approve(alice, make_approval(bob, price=executor.price)).missing == 0
    executor.price = quote_of("5")
    assert approve(alice, make_approval(alice, price=executor.price)).missing == 0


@pytest.mark.parametrize("gone", ["ended", "inactive", "viewer"])
def test_who_cannot_decide_is_no_second_pair_of_eyes(alice, carol, executor, gone):
    if gone == "ended":
        Membership.objects.filter(pk=carol.pk).update(ended_at=timezone.now())
    elif gone == "inactive":
        carol.user.is_active = False
        carol.user.save()
    else:
        Membership.objects.filter(pk=carol.pk).update(role="viewer")
    approval = make_approval(alice, action="release_number")
    assert requirement_of(approval).needs_password
    with pytest.raises((NotFound, NotPermitted)):  # and a page left open decides nothing
        approve(carol, approval, password_confirmed=True)
    assert approve(alice, approval, password_confirmed=True).missing == 0


LAYERS = [{"from": "100", "deciders": 2}, {"from": "1000", "deciders": 3}]


@pytest.mark.parametrize(
    ("amount", "deciders"), [("99.99", 1), ("100", 2), ("999.99", 2), ("1000", 3), ("9999", 3)]
)
def test_higher_layers_need_more_people(alice, carol, bob, executor, amount, deciders):
    make_policy(alice, layers=LAYERS)
    people = [alice, carol, MembershipFactory(tenant=alice.tenant, role="admin")]
    executor.price = quote_of(amount)
    approval = make_approval(bob, price=executor.price)
    for number, person in enumerate(people[:deciders], start=1):
        assert approval.status == "pending"
        ruling = approve(person, approval)
        assert ruling.missing == deciders - number
        approval.refresh_from_db()
    assert approval.status == "approved"
    with pytest.raises(AlreadyDecided):
        approve(people[-1], approval)


def test_two_clicks_of_one_person_are_not_two_people(alice, carol, bob, executor):
    make_policy(alice, layers=LAYERS)
    executor.price = quote_of("100")
    approval = make_approval(bob, price=executor.price)
    approve(alice, approval)
    with pytest.raises(AlreadyDecided):
        approve(alice, approval, password_confirmed=True)
    approval.refresh_from_db()
    assert approval.status == "pending"


def test_one_of_two_may_still_reject(alice, carol, bob, executor):
    make_policy(alice, layers=LAYERS)
    executor.price = quote_of("100")
    approval = make_approval(bob, price=executor.price)
    approve(alice, approval)
    assert services.reject(alice, approval_id=approval.pk).status == "rejected"


def test_who_agreed_and_was_demoted_no_longer_counts(alice, carol, bob, executor):
    make_policy(alice, layers=LAYERS)
    dave = MembershipFactory(tenant=alice.tenant, role="admin")
    executor.price = quote_of("100")
    approval = make_approval(bob, price=executor.price)
    approve(carol, approval)
    Membership.objects.filter(pk=carol.pk).update(role="member")
    assert approve(alice, approval).missing == 1
    assert approve(dave, approval).missing == 0


def test_one_word_more_is_enough_where_the_second_person_is_gone(alice, carol, bob, executor):
    """Else it would wait for nobody until its time is over."""
    make_policy(alice, layers=LAYERS)
    executor.price = quote_of("100")
    approval = make_approval(bob, price=executor.price)
    assert approve(alice, approval).missing == 1
    Membership.objects.filter(pk=carol.pk).update(role="member")
    (found,) = cards_of(alice, [approval])
    assert (found.why_not, found.may_approve, found.needs_password) == ("", True, True)
    with pytest.raises(PasswordRequired):
        approve(alice, approval)
    assert approve(alice, approval, password_confirmed=True).missing == 0
    approval.refresh_from_db()
    assert (approval.status, approval.decisions.count()) == ("approved", 1)


def test_too_few_people_confirm_with_their_password(alice, bob, executor):
    make_policy(alice, layers=LAYERS)
    executor.price = quote_of("1000")
    approval = make_approval(bob, price=executor.price)
    with pytest.raises(PasswordRequired):
        approve(alice, approval)
    assert approve(alice, approval, password_confirmed=True).missing == 0


def test_two_deciders_are_others_than_the_requester_where_four_eyes_hold(alice, carol, executor):
    make_policy(alice, layers=LAYERS, always_four_eyes=True)
    executor.price = quote_of("100")
    requirement = requirement_of(make_approval(alice, price=executor.price))
    assert (requirement.deciders, requirement.needs_password) == (1, True)
    assert requirement.pool == {carol.user_id}


def test_a_neighbours_people_and_policy_do_not_count(alice, mallory, executor):
    make_policy(mallory, always_four_eyes=True)
    assert requirement_of(make_approval(alice)).pool == {alice.user_id}
    assert not terms_of(alice.tenant, ACTION).always_four_eyes


@pytest.mark.parametrize("role", ROLES)
def test_admins_set_policies(alice, role):
    actor = MembershipFactory(tenant=alice.tenant, role=role)
    fields = {
        "action": ACTION,
        "layers": LAYERS,
        "four_eyes_from": Decimal("50"),
        "always_four_eyes": False,
        "decider_role": Policy.DeciderRole.ADMIN,
        "expires_seconds": 600,
    }
    if role not in {"admin", "owner"}:
        with pytest.raises(NotPermitted):
            set_policy(actor, **fields)
        assert not Policy.objects.exists()
        return
    set_policy(actor, **fields)
    set_policy(actor, **{**fields, "expires_seconds": 900})
    policy = Policy.objects.get()
    assert (policy.tenant, policy.updated_by) == (alice.tenant, actor.user)
    terms = terms_of(alice.tenant, ACTION)
    assert (terms.expires_seconds, terms.layers) == (900, parse_layers(LAYERS))


@pytest.mark.parametrize(
    "layers",
    [
        [{"from": "x", "deciders": 2}],
        [{"from": "-1", "deciders": 2}],
        [{"from": "NaN", "deciders": 2}],
        [{"from": "1", "deciders": 0}],
        [{"from": "1", "deciders": 99}],
        [{"deciders": 2}],
        ["1"],
        [{"from": "1", "deciders": 3}, {"from": "2", "deciders": 2}],
    ],
)
def test_layers_that_make_no_sense_are_refused(alice, layers):
    with pytest.raises(InvalidArguments):
        set_policy(
            alice,
            action=ACTION,
            layers=layers,
            four_eyes_from=None,
            always_four_eyes=False,
            decider_role=Policy.DeciderRole.OWNER,
            expires_seconds=600,
        )
    assert not Policy.objects.exists()


def test_the_policy_says_how_long_it_waits(alice, executor):
    make_policy(alice, expires_seconds=600)
    now = timezone.now()
    fields = {"requester": alice.user, "title": "x", "arguments": {}, "now": now}
    own = services.request_approval(alice.tenant, action=ACTION, **fields)
    default = services.request_approval(alice.tenant, action="release_number", **fields)
    assert own.expires_at == now + timedelta(minutes=10)
    assert default.expires_at == now + timedelta(hours=24)


def test_a_decision_for_an_earlier_quote_does_not_count(alice, carol, bob, executor):
    make_policy(alice, layers=LAYERS)
    executor.price = quote_of("100")
    approval = make_approval(bob, price=executor.price)
    decide(approval, carol)
    row = Approval.objects.filter(pk=approval.pk)
    row.update(round=2)
    assert approve(alice, row.get()).missing == 1
