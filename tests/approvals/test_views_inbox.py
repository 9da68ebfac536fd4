"""`/approvals/`: who sees what, page by page."""

from __future__ import annotations

from datetime import timedelta
from html import unescape

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from approvals.inbox import Tab, counts, read_page
from approvals.models import Approval
from cliqtel_portal.accounts.models import Membership
from tests.factories.accounts import MembershipFactory
from tests.factories.approvals import (
    ACTION,
    CountingExecutor,
    approval_in,
    make_approval,
    make_policy,
    quote_of,
)

pytestmark = pytest.mark.django_db

INBOX = "/approvals/"
HOSTILE = '<script>alert(1)</script> "onload=x \u202eEUR 0 ' + "W" * 60


def signed_in(member: Membership) -> Client:
    client = Client()
    client.force_login(member.user)
    return client


def body(member: Membership, query: str = "") -> str:
    response = signed_in(member).get(f"{INBOX}{query}")
    assert response.status_code == 200
    return response.content.decode()


def test_a_stranger_is_sent_to_the_login() -> None:
    response = Client().get(INBOX)
    assert response["Location"] == f"/account/login/?next={INBOX}"


def test_each_tab_has_its_own_and_their_number(
    alice: Membership, executor: CountingExecutor
) -> None:
    make_approval(alice, title="one that waits")
    make_approval(alice, title="one overdue", now=timezone.now() - timedelta(hours=25))
    for status in ("rejected", "approved", "executing", "executed", "failed", "cancelled"):
        approval_in(status, alice, title=f"one {status}")
    approval_in("expired", alice, title="one expired")
    assert counts(alice.tenant) == {Tab.WAITING: 1, Tab.DECIDED: 6, Tab.EXPIRED: 2}

    waiting, decided, expired = (
        body(alice, f"?tab={tab}") for tab in ("waiting", "decided", "expired")
    )
    assert "one that waits" in waiting
    assert "one overdue" not in waiting
    for status in ("rejected", "approved", "executing", "executed", "failed", "cancelled"):
        assert f"one {status}" in decided
        assert f"one {status}" not in waiting + expired
    assert "one overdue" in expired
    assert "one expired" in expired
    assert "one that waits" in body(alice, "?tab=nonsense")


def test_a_row_tells_what_it_costs_and_who_asked(
    alice: Membership, bob: Membership, executor: CountingExecutor
) -> None:
    make_approval(
        bob,
        action="release_number",
        price=quote_of("1.5", "2"),
        client_label="Claude",
        token_label="Ops agent",
    )
    page = body(alice)
    for text in ("€1.50 once", "€2.00 a month", bob.user.display_name, "Claude", "Ops agent"):
        assert text in page
    assert "Release a number" in page
    assert "in 23 h" in page


@pytest.mark.parametrize(
    ("role", "clicks"),
    [("viewer", 0), ("member", 0), ("approver", 1), ("admin", 1), ("owner", 1)],
)
def test_only_deciders_have_a_button_and_a_number_in_the_rail(
    alice: Membership, executor: CountingExecutor, role: str, clicks: int
) -> None:
    reader = MembershipFactory(tenant=alice.tenant, role=role)
    approval = make_approval(alice)
    page = body(reader)
    assert approval.title in page
    assert page.count("/approve/") == clicks
    assert ("waiting for you" in page) is bool(clicks)


def test_one_click_is_not_enough_where_there_is_more_to_say(
    alice: Membership, carol: Membership, executor: CountingExecutor
) -> None:
    make_approval(alice, price=quote_of("500"))  # her own
    make_policy(alice, action="release_number", layers=[{"from": "0", "deciders": 2}])
    make_approval(carol, action="release_number")  # two people
    make_approval(carol, action="send_message", summary="A text that nobody sees here.")
    page = body(alice)
    assert page.count("Review: ") == 3
    assert "A text that nobody sees here." in page
    assert "/approve/" not in page


def test_a_neighbour_sees_nothing_of_it(
    alice: Membership, mallory: Membership, executor: CountingExecutor
) -> None:
    approval = make_approval(alice)
    for tab in Tab:
        page = body(mallory, f"?tab={tab}")
        assert approval.title not in page
        assert str(approval.pk) not in page


def test_the_empty_inbox_shows_what_was_decided_last(
    alice: Membership, executor: CountingExecutor
) -> None:
    assert "Nothing waits for you." in body(alice)
    approval_in("rejected", alice, title="the last one")
    page = body(alice)
    assert "Nothing waits for you." in page
    assert "the last one" in page
    assert "Nothing expired" in body(alice, "?tab=expired")


def test_hostile_words_are_inert(alice: Membership, executor: CountingExecutor) -> None:
    make_approval(
        alice, title=HOSTILE, client_label=HOSTILE, token_label=HOSTILE, reason_text=HOSTILE
    )
    page = body(alice)
    assert "<script>alert" not in page
    assert '"onload' not in page
    assert f"<bdi>{HOSTILE}</bdi>" in unescape(page)


@pytest.mark.parametrize("tab", list(Tab))
def test_pages_follow_each_other_without_gap_or_double(
    alice: Membership, executor: CountingExecutor, tab: Tab
) -> None:
    now = timezone.now()
    status = {Tab.WAITING: "pending", Tab.DECIDED: "cancelled", Tab.EXPIRED: "expired"}[tab]
    for number in range(7):
        # Two share a moment: the id decides.
        at = now - timedelta(minutes=number // 2)
        if status == "pending":
            make_approval(alice, now=at)
        else:
            approval_in(status, alice, now=at)
    walked, cursor = [], ""
    while True:
        page = read_page(alice, tab, after=cursor, limit=3)
        walked.append([card.id for card in page.cards])
        if not page.after:
            break
        cursor = page.after
    everything = [one for ids in walked for one in ids]
    assert [len(ids) for ids in walked] == [3, 3, 1]
    assert len(set(everything)) == 7
    key = "expires_at" if tab == Tab.WAITING else "created_at"
    times = [getattr(Approval.objects.get(pk=one), key) for one in everything]
    assert times == sorted(times, reverse=tab != Tab.WAITING)

    back = read_page(alice, tab, before=page.before, limit=3)
    assert [card.id for card in back.cards] == walked[1]
    first = read_page(alice, tab, before=back.before, limit=3)
    assert [card.id for card in first.cards] == walked[0]
    assert (first.before, bool(first.after)) == ("", True)


@pytest.mark.parametrize(
    "cursor", ["x", "1.2", "9" * 17 + "." + "a" * 36, "0.%00", "-1." + "0" * 36]
)
def test_a_cursor_that_is_not_ours_is_the_first_page(
    alice: Membership, executor: CountingExecutor, cursor: str
) -> None:
    make_approval(alice)
    assert "Order a number" in body(alice, f"?after={cursor}&before={cursor}")


@pytest.mark.parametrize("count", [1, 25])
def test_a_full_inbox_costs_what_one_row_does(
    alice: Membership,
    carol: Membership,
    executor: CountingExecutor,
    django_assert_num_queries: DjangoAssertNumQueries,
    count: int,
) -> None:
    for number in range(count):
        make_approval(
            (alice, carol)[number % 2],
            action=(ACTION, "release_number")[number % 2],
            price=quote_of("2"),
        )
    client = signed_in(alice)
    client.get(INBOX)  # the first use of a session is written down
    # Session, user, memberships; rows, decisions, policies, members; tabs, rail.
    with django_assert_num_queries(9):
        client.get(INBOX)
