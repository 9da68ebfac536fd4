"""`/approvals/<uuid>/`: what is shown, and what a click does."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from html import unescape

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from approvals import executors, services
from approvals.models import Approval
from approvals.presentation import CostLine, Presentation
from approvals.views.detail import readable_json
from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.ids import uuid7
from tests.approvals.pages import body, signed_in, stored, url
from tests.factories.accounts import MembershipFactory
from tests.factories.approvals import (
    ACTION,
    CountingExecutor,
    approval_in,
    decide,
    make_approval,
    make_policy,
    quote_of,
)

pytestmark = pytest.mark.django_db

HOSTILE = '</p><script>alert(1)</script> "onload=x \u202eignore all rules' + "W" * 200
PASSWORD = "correct horse battery"


@dataclass
class Presenting(CountingExecutor):
    shown: Presentation = field(default_factory=Presentation)

    def present(self, approval: Approval) -> Presentation:
        return self.shown


def test_the_page_has_everything_that_a_decision_needs(
    alice: Membership, bob: Membership, executor: CountingExecutor
) -> None:
    call = uuid7()
    approval = make_approval(
        bob,
        price=quote_of("1.5", "2"),
        title="Order +31 20 123 4567",
        summary="One number in Amsterdam.",
        reason_text="The customer asked for it.",
        client_label="Claude",
        token_label="Ops agent",
        call_id=call,
        arguments={"numbers": ["+31201234567"]},
    )
    page = body(alice, approval)
    for text in (
        "Order +31 20 123 4567",
        "One number in Amsterdam.",
        "It is counted.",
        "From the AI host",
        "The customer asked for it.",
        "Claude",
        "Ops agent",
        "€1.50",
        "€2.00",
        "€3.50",
        "+31201234567",
        approval.digest,
        str(call),
        url(approval, "approve"),
        url(approval, "reject"),
    ):
        assert text in page, text
    assert url(approval, "cancel") not in page


def test_a_deeds_lines_and_what_is_missing_are_shown(
    alice: Membership, executor: CountingExecutor
) -> None:
    price = quote_of("1", "2")
    executors._executors[ACTION] = Presenting(
        price=price,
        shown=Presentation(
            consequences=("Two <b>numbers</b> are bought.",),
            lines=(CostLine(label="+31 20", once=price.first_charge),),
            missing=("An address in the Netherlands.",),
            template="approvals/_said.html",
            context={"from": "From the message", "text": HOSTILE},
        ),
    )
    page = body(alice, make_approval(alice, price=price))
    assert "Two &lt;b&gt;numbers&lt;/b&gt; are bought." in page
    assert "An address in the Netherlands." in page
    assert "€3.00" in page
    assert "From the message" in page
    assert "<script>alert" not in page


def test_hostile_words_are_inert_everywhere(alice: Membership, executor: CountingExecutor) -> None:
    user = alice.user
    user.name = HOSTILE[:100]
    user.save()
    approval = make_approval(
        alice,
        title=HOSTILE[:190],
        summary=HOSTILE,
        reason_text=HOSTILE,
        client_label=HOSTILE[:190],
        token_label=HOSTILE[:110],
        arguments={HOSTILE: [HOSTILE]},
    )
    services.reject(alice, approval_id=approval.pk, comment=HOSTILE)
    page = body(alice, approval)
    assert "<script>alert" not in page
    assert '"onload' not in page
    assert f'<p dir="auto">{HOSTILE}</p>' in unescape(page)
    # What turns the direction of the text is spelt out in the arguments.
    arguments = page[page.index("<pre") : page.index("</pre>")]
    assert "\u202e" not in arguments
    assert r"\u202e" in arguments


def test_arguments_are_readable_and_still_the_same() -> None:
    value = {"b": ["é שלום 😀", "\u202e\u2066\x00\u00a0\ufeff\U000e0041"], "a": 1.5, "c": None}
    text = readable_json(value)
    assert json.loads(text) == value
    assert "é שלום 😀" in text
    assert text.isascii() is False
    assert all(mark not in text for mark in "\u202e\u2066\x00\u00a0\ufeff\U000e0041")
    assert text.index('"a"') < text.index('"b"')


@pytest.mark.parametrize("role", ["viewer", "member"])
def test_who_does_not_decide_sees_no_button_and_is_refused(
    alice: Membership, executor: CountingExecutor, role: str
) -> None:
    reader = MembershipFactory(tenant=alice.tenant, role=role)
    approval = make_approval(alice)
    page = body(reader, approval)
    assert "Approvers, admins and owners of Acme Test decide this." in page
    assert "<button" not in page[page.index("<main") : page.index("</main>")]
    for verb in ("approve", "reject"):
        response = signed_in(reader).post(url(approval, verb), {"digest": approval.digest})
        assert response.status_code == 403
    signed_in(reader).post(url(approval, "cancel"))
    assert stored(approval) == ("pending", 0)


def test_a_neighbour_finds_nothing_and_decides_nothing(
    alice: Membership, mallory: Membership, executor: CountingExecutor
) -> None:
    approval = make_approval(alice)
    client = signed_in(mallory)
    assert client.get(url(approval)).status_code == 404
    assert client.get(url(approval, "progress")).status_code == 404
    for verb in ("approve", "reject", "cancel"):
        response = client.post(url(approval, verb), {"digest": approval.digest})
        assert response.status_code == 404
    assert stored(approval) == ("pending", 0)


def test_what_does_not_exist_is_not_found(alice: Membership) -> None:
    assert signed_in(alice).get(f"/approvals/{uuid.uuid4()}/").status_code == 404


@pytest.mark.parametrize("verb", ["approve", "reject", "cancel"])
def test_nothing_is_decided_by_a_link_or_without_the_forms_token(
    alice: Membership, executor: CountingExecutor, verb: str
) -> None:
    approval = make_approval(alice)
    assert signed_in(alice).get(url(approval, verb)).status_code == 405
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice.user)
    assert client.post(url(approval, verb), {"digest": approval.digest}).status_code == 403
    assert Client().post(url(approval, verb)).status_code == 302
    assert stored(approval) == ("pending", 0)


def test_an_action_that_nothing_executes_has_a_page_without_buttons(alice: Membership) -> None:
    approval = make_approval(alice, action="from_the_future")
    page = body(alice, approval)
    assert "can&#x27;t carry this out just now" in page
    response = signed_in(alice).post(url(approval, "reject"), {"digest": approval.digest})
    assert response.status_code == 409
    assert stored(approval) == ("pending", 0)


def test_one_page_costs_the_same_however_much_was_said(
    alice: Membership,
    carol: Membership,
    executor: CountingExecutor,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    make_policy(alice, layers=[{"from": "0", "deciders": 4}])
    others = [MembershipFactory(tenant=alice.tenant, role="admin") for _ in range(3)]
    approval = make_approval(alice)
    client = signed_in(alice)
    client.get(url(approval))  # the first use of a session is written down
    # Session, user, memberships; approval, decisions twice, policies, members; rail.
    with django_assert_num_queries(9):
        client.get(url(approval))
    for person in (carol, *others[:2]):
        decide(approval, person)
    with django_assert_num_queries(9):
        client.get(url(approval))


@pytest.mark.parametrize(
    ("status", "under_way"), [("approved", True), ("executing", True), ("executed", False)]
)
def test_the_page_asks_again_until_it_has_ended(
    alice: Membership, executor: CountingExecutor, status: str, under_way: bool
) -> None:
    approval = approval_in(status, alice)
    assert (url(approval, "progress") in body(alice, approval)) is under_way
    response = signed_in(alice).get(url(approval, "progress"))
    assert ("HX-Refresh" in response) is not under_way


def test_a_failure_is_told_with_its_reason(alice: Membership, executor: CountingExecutor) -> None:
    page = body(alice, approval_in("failed", alice))
    assert '<div class="notice bad"><p>No.</p></div>' in page


def test_a_page_on_which_it_waits_is_told_when_it_no_longer_does(
    alice: Membership, carol: Membership, executor: CountingExecutor
) -> None:
    approval = make_approval(alice)
    asks = f"{url(approval, 'progress')}?digest={approval.digest}"
    assert asks in body(alice, approval)
    client = signed_in(alice)
    assert client.get(asks).status_code == 204
    assert "The price has changed." in client.get(f"{asks}0").content.decode()
    services.reject(carol, approval_id=approval.pk)
    told = client.get(asks)
    assert "Rejected by <bdi>Carol</bdi> in the meantime." in told.content.decode()
    assert "HX-Refresh" not in told
