"""The tabs of a number's page: each by its own address, without script."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.callflows.demo_graphs import billing_line
from cliqtel_portal.number_page import calls as calls_module
from cliqtel_portal.number_page.national_rules import emergency_rule, sender_rule
from cliqtel_portal.numbers.models import PhoneNumber
from tests.factories.approvals import make_approval
from tests.factories.audit import make_call, ok
from tests.factories.callflows import CallFlowFactory, RevisionFactory, make_flow
from tests.factories.messaging import MessageBatchFactory, MessageFactory, OptOutFactory
from tests.factories.numbers import (
    EmergencyAddressFactory,
    NumberChangeFactory,
    PhoneNumberFactory,
)
from tests.factories.trunks import TrunkFactory

pytestmark = pytest.mark.django_db

TABS = ("", "routing/", "messaging/", "emergency/", "activity/")
NOWHERE = {"kind": "none", "id": None, "name": ""}


def signed_in(membership: Membership) -> Client:
    client = Client()
    client.force_login(membership.user)
    return client


def tab(membership: Membership, number: PhoneNumber, name: str) -> str:
    response = signed_in(membership).get(f"/numbers/{number.pk}/{name}")
    assert response.status_code == 200
    return response.content.decode()


def call_of(membership: Membership, tool: str, **fields: object):
    person = {"tenant_id": membership.tenant_id, "user_id": membership.user_id}
    return make_call(tool=tool, **{"outcome": ok(), **person, **fields})


def test_every_tab_names_the_number_and_which_one_is_open(bob):
    number = PhoneNumberFactory(tenant=bob.tenant, e164="+31201230900")
    for name in TABS:
        page = tab(bob, number, name)
        assert "+31 20 123 0900" in page
        assert f'<a href="/numbers/{number.pk}/{name}" aria-current="page">' in page
        assert page.count('aria-current="page"') == 1


def test_mallory_finds_no_tab_of_acme(mallory, acme):
    number = PhoneNumberFactory(tenant=acme)
    for name in TABS:
        assert signed_in(mallory).get(f"/numbers/{number.pk}/{name}").status_code == 404


def test_a_viewer_reads_all_but_what_hosts_did(bob):
    Membership.objects.filter(pk=bob.pk).update(role="viewer")
    number = PhoneNumberFactory(tenant=bob.tenant)
    for name in TABS[:-1]:
        page = tab(bob, number, name)
        assert "AI activity" not in page
        assert "Send calls to" not in page
    assert signed_in(bob).get(f"/numbers/{number.pk}/activity/").status_code == 403


def test_routing_draws_the_flow_and_leads_to_it(bob):
    flow = make_flow(bob.tenant, name="Reception <b>")
    number = PhoneNumberFactory(tenant=bob.tenant, call_flow=flow)
    page = tab(bob, number, "routing/")
    assert f'href="/callflows/{flow.pk}/"' in page
    assert page.count("<svg xmlns") == 2, "wide and narrow"
    assert "Reception <b>" not in page


def test_routing_draws_trunks_by_their_names(bob):
    trunk = TrunkFactory(tenant=bob.tenant, name="Amsterdam PBX")
    flow = make_flow(bob.tenant, graph=billing_line(str(trunk.pk)))
    page = tab(bob, PhoneNumberFactory(tenant=bob.tenant, call_flow=flow), "routing/")
    assert page.count(">Amsterdam PBX</text>") == 4, "title and summary, wide and narrow"
    drawings = page[page.index("<svg xmlns") : page.rindex("</svg>")]
    assert str(trunk.pk) not in drawings


def test_routing_opens_though_the_flow_cannot_be_read(bob):
    flow = CallFlowFactory(tenant=bob.tenant)
    RevisionFactory(call_flow=flow, graph={"nodes": "?"}, etag="0" * 64)
    page = tab(bob, PhoneNumberFactory(tenant=bob.tenant, call_flow=flow), "routing/")
    assert f'href="/callflows/{flow.pk}/"' in page
    assert "<svg xmlns" not in page


def test_routing_explains_the_trunk_and_why_it_is_down(bob):
    trunk = TrunkFactory(tenant=bob.tenant, name="Amsterdam PBX", refused=True)
    number = PhoneNumberFactory(tenant=bob.tenant, trunk=trunk)
    page = tab(bob, number, "routing/")
    assert f'href="/trunks/{trunk.pk}/"' in page
    assert "Last error of the trunk: 403 Forbidden" in page


def test_routing_tells_every_move_with_who_asked_and_what_allowed_it(bob):
    number = PhoneNumberFactory(tenant=bob.tenant)
    trunk = {"kind": "trunk", "id": str(uuid.uuid4()), "name": "HQ"}
    approval_id = uuid.uuid4()
    NumberChangeFactory(
        number=number,
        kind="assigned",
        before=NOWHERE,
        after=trunk,
        by_label="Eve <i>",
        approval_id=approval_id,
    )
    NumberChangeFactory(
        number=number, kind="tagged", before={"tags": []}, after={"tags": ["not-a-move"]}
    )
    page = tab(bob, number, "routing/")
    assert "Connected to trunk “HQ”, before to nowhere" in page
    assert "Eve &lt;i&gt;" in page
    assert f'href="/approvals/{approval_id}/"' in page
    assert "not-a-move" not in page


def test_messaging_counts_a_month_and_lists_the_newest_without_texts(bob):
    number = PhoneNumberFactory(
        tenant=bob.tenant, e164="+447700900100", country="GB", capabilities=["voice", "sms"]
    )
    batch = MessageBatchFactory(tenant=bob.tenant, sent=True, requested_by=bob.user)
    MessageFactory(tenant=bob.tenant, batch=batch, body="A secret")
    MessageFactory(tenant=bob.tenant, status="undelivered", to_number="+447700900102")
    MessageFactory(
        tenant=bob.tenant, received=True, from_number="+447700900103", to_number=number.e164
    )
    long_ago = timezone.now() - timedelta(days=31)
    MessageFactory(tenant=bob.tenant, to_number="+447700900104", created_at=long_ago)
    MessageFactory(tenant=bob.tenant, from_number="+447700900999", to_number="+447700900105")
    OptOutFactory(tenant=bob.tenant, peer_number="+447700900106")
    OptOutFactory(tenant=bob.tenant, our_number="+447700900999", peer_number="+447700900107")
    OptOutFactory(peer_number="+447700900108")
    page = tab(bob, number, "messaging/")
    assert "2 sent, of which 1 is delivered and 1 was not; 1 received." in page
    for peer in ("900101", "900102", "900103", "900104", "900106"):
        assert f"+44 7700 {peer}" in page
    for other in ("900105", "900107", "900108", "A secret"):
        assert other not in page
    assert f'href="/messaging/{batch.pk}/"' in page
    assert "1 person gets nothing" in page


def test_who_only_reads_sees_no_stranger_in_full(bob):
    Membership.objects.filter(pk=bob.pk).update(role="viewer")
    number = PhoneNumberFactory(
        tenant=bob.tenant, e164="+447700900100", capabilities=["voice", "sms"]
    )
    MessageFactory(tenant=bob.tenant)
    OptOutFactory(tenant=bob.tenant, peer_number="+447700900106")
    page = tab(bob, number, "messaging/")
    assert "900101" not in page
    assert "900106" not in page
    assert "+44********01" in page


def test_a_number_without_texts_leads_to_some_that_have_them(bob):
    page = tab(bob, PhoneNumberFactory(tenant=bob.tenant), "messaging/")
    assert "carries no messages" in page
    assert "/numbers/search/?country=NL&amp;capabilities=sms" in page


@pytest.mark.parametrize(
    ("country", "number_type", "must"),
    [
        ("US", "local", True),
        ("US", "toll_free", True),
        ("US", "mobile", False),
        ("NL", "local", False),
    ],
)
def test_some_senders_must_be_registered_first(bob, country, number_type, must):
    assert sender_rule(country, number_type).must_register is must
    number = PhoneNumberFactory(
        tenant=bob.tenant, country=country, number_type=number_type, capabilities=["sms"]
    )
    assert ("Register before you send." in tab(bob, number, "messaging/")) is must


def test_emergency_says_what_is_missing_and_what_to_do(bob):
    page = tab(bob, PhoneNumberFactory(tenant=bob.tenant, e164="+31201230900"), "emergency/")
    assert "No address" in page
    assert "calls 112 from this number" in page
    assert "Ask an admin or the owner" in page, "a member can't set it"
    assert 'href="/docs/emergency-address-112-europe/"' in page


def test_emergency_shows_the_address_and_its_state(bob):
    address = EmergencyAddressFactory(tenant=bob.tenant, label="Canal house <b>", country="DE")
    number = PhoneNumberFactory(
        tenant=bob.tenant, emergency_state="pending", emergency_address=address
    )
    page = tab(bob, number, "emergency/")
    for text in ("Canal house &lt;b&gt;", "Keizersgracht 100", "1015 CV Amsterdam"):
        assert text in page
    assert "Being validated" in page
    assert "in another country than the number" in page


@pytest.mark.parametrize(
    ("country", "call"),
    [("NL", "112"), ("GB", "112 or 999"), ("US", "911"), ("BR", "the emergency number of the")],
)
def test_people_call_for_help_by_the_country(country, call):
    assert emergency_rule(country).call.startswith(call)


def test_activity_lists_what_hosts_drafted_did_and_asked(alice, bob):
    number = PhoneNumberFactory(tenant=alice.tenant, e164="+31201230900")
    drafted = call_of(bob, "assign_number", arguments={"reason": "none of the digits"})
    make_approval(bob, artifact_id=number.pk, call_id=drafted.pk)
    for tool, arguments in {
        "tool_e164": {"number": "+31201230900"},
        "tool_digits": {"numbers": ["0031201230900"]},
        "tool_display": {"contains": "+31 20 123 0900"},
        "tool_id": {"number_id": str(number.pk)},
        "tool_other": {"number": "+31201230901"},
    }.items():
        call_of(alice, tool, arguments=arguments)
    page = tab(alice, number, "activity/")
    for tool in ("assign_number", "tool_e164", "tool_digits", "tool_display", "tool_id"):
        assert f">{tool}</a>" in page
    assert "tool_other" not in page
    own = tab(bob, number, "activity/")
    assert ">assign_number</a>" in own
    assert "tool_e164" not in own, "that was somebody else's"


def test_activity_is_not_of_other_tenants_and_looks_back_so_far(alice, mallory, monkeypatch):
    number = PhoneNumberFactory(tenant=alice.tenant, e164="+31201230900")
    call_of(mallory, "tool_of_mallory", arguments={"number": number.e164})
    call_of(alice, "tool_before", arguments={"number": number.e164})
    monkeypatch.setattr(calls_module, "LOOKED_THROUGH", 2)
    call_of(alice, "tool_lately", arguments={"number": number.e164})
    call_of(alice, "whoami", arguments={})
    page = tab(alice, number, "activity/")
    assert "tool_lately" in page
    assert "tool_before" not in page
    assert "tool_of_mallory" not in page


def test_no_tab_costs_more_for_a_busy_number(
    alice: Membership, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    flow = make_flow(alice.tenant)
    number = PhoneNumberFactory(
        tenant=alice.tenant, e164="+447700900100", capabilities=["sms"], call_flow=flow
    )
    for digit in range(6):
        make_flow(alice.tenant)
        TrunkFactory(tenant=alice.tenant)
        NumberChangeFactory(
            number=number, kind="assigned", before=NOWHERE, after=NOWHERE | {"x": digit}
        )
        MessageFactory(tenant=alice.tenant, to_number=f"+44770090020{digit}")
        OptOutFactory(tenant=alice.tenant)
        call_of(alice, "whoami", arguments={"number": number.e164})
        make_approval(alice, artifact_id=number.pk)
    client = signed_in(alice)
    for name in TABS:
        with django_assert_max_num_queries(15):
            client.get(f"/numbers/{number.pk}/{name}")
