from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from cliqtel_portal.accounts.models import Membership, Tenant
from tests.factories.accounts import MembershipFactory
from tests.factories.callflows import (
    CallFlowFactory,
    ChangeFactory,
    RevisionFactory,
    make_flow,
)
from tests.factories.numbers import PhoneNumberFactory
from tests.factories.trunks import TrunkFactory

pytestmark = pytest.mark.django_db

URL = reverse("callflows:list")
LONDON = "+44207946{:04}"


def signed_in(membership: Membership) -> Client:
    client = Client()
    client.force_login(membership.user)
    return client


@pytest.fixture
def numbers(acme: Tenant) -> None:
    """1 meets an active flow with a change that waits, 2 a draft, 3 a trunk, 4 nothing, 5 what is
    archived, 6 nothing as it was released."""
    reception = make_flow(acme, name="Reception", revisions=2)
    ChangeFactory(base_revision=reception.active_revision)
    ChangeFactory(base_revision=reception.active_revision)
    ChangeFactory(base_revision=reception.active_revision, status="rejected")
    sketch = CallFlowFactory(tenant=acme, name="Sketch")
    RevisionFactory(call_flow=sketch)
    RevisionFactory(call_flow=sketch, number=2, author_label="<b>Claude", author_kind="ai_host")
    old = make_flow(acme, name="Old", status="archived")
    trunk = TrunkFactory(tenant=acme, name="Amsterdam")
    for index, where in enumerate(
        ({"call_flow": reception}, {"call_flow": sketch}, {"trunk": trunk}, {}, {"call_flow": old}),
        1,
    ):
        PhoneNumberFactory(tenant=acme, e164=LONDON.format(index), **where)
    PhoneNumberFactory(tenant=acme, e164=LONDON.format(6), status="released")


def test_each_number_says_what_a_call_meets(bob: Membership, numbers: None) -> None:
    response = signed_in(bob).get(URL)
    rows = response.context["page"].rows
    assert [row.number.e164[-1] for row in rows] == ["1", "2", "3", "4", "5"]
    first, second, *others = [row.shown for row in rows]
    assert (first.flow.name, first.revision.number, first.waiting) == ("Reception", 2, 2)
    assert (second.flow.name, second.revision.number, second.waiting) == ("Sketch", 2, 0)
    assert others == [None, None, None]
    page = response.content.decode()
    assert "2 changes wait" in page
    assert "&lt;b&gt;Claude" in page
    assert "No call follows it before it is published." in page
    assert "straight to the trunk" in page
    assert page.count("calls to this number are rejected") == 2
    assert response.context["counts"] == {"all": 5, "active": 1, "draft": 1, "trunk": 1, "none": 2}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=recep", "1"),
        ("q=0003", "3"),
        ("q=%2B44+20+7946+0004", "4"),
        ("q=Old", "5"),
        ("status=active", "1"),
        ("status=draft", "2"),
        ("status=trunk", "3"),
        ("status=none", "45"),
        ("waiting=yes", "1"),
        ("status=draft&waiting=yes", ""),
        ("status=nonsense", ""),
        ("q=%00", ""),
        ("q=%3Cscript%3E", ""),
        ("flow=x", ""),
        ("flow=01a1fd7c-10cf-7626-8375-82a78f1ec0d8", ""),
        ("after=%2B442079460003", "45"),
        ("before=%2B442079460003", "12"),
        ("after=nonsense", "12345"),
    ],
)
def test_the_list_is_narrowed(query: str, found: str, bob: Membership, numbers: None) -> None:
    response = signed_in(bob).get(f"{URL}?{query}")
    assert response.status_code == 200
    assert "".join(row.number.e164[-1] for row in response.context["page"].rows) == found
    assert "<script>" not in response.content.decode().partition("<main")[2]


def test_the_numbers_of_one_flow_are_a_link_away(bob: Membership) -> None:
    flow = make_flow(bob.tenant, name="Reception")
    PhoneNumberFactory(tenant=bob.tenant, e164=LONDON.format(1), call_flow=flow)
    PhoneNumberFactory(tenant=bob.tenant, e164=LONDON.format(2))
    client = signed_in(bob)
    link = f"{URL}?flow={flow.pk}"
    assert link in client.get(URL, {"by": "flow"}).content.decode()
    response = client.get(link)
    assert [row.number.e164 for row in response.context["page"].rows] == [LONDON.format(1)]
    assert "1 number that leads to <bdi>Reception</bdi> matches." in response.content.decode()


def test_pages_lead_there_and_back(
    bob: Membership, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    flow = make_flow(bob.tenant)
    for index in range(120):
        PhoneNumberFactory(tenant=bob.tenant, e164=LONDON.format(index), call_flow=flow)
    client = signed_in(bob)
    with django_assert_max_num_queries(10):
        first = client.get(URL).context["page"]
    second = client.get(URL, {"after": first.after}).context["page"]
    third = client.get(URL, {"after": second.after}).context["page"]
    assert [len(page.rows) for page in (first, second, third)] == [50, 50, 20]
    assert (first.before, third.after) == ("", "")
    back = client.get(URL, {"before": third.before}).context["page"]
    assert back.rows == second.rows
    assert client.get(URL, {"before": back.before}).context["page"].before == ""


def test_flows_are_listed_with_their_numbers(
    bob: Membership, numbers: None, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client = signed_in(bob)
    with django_assert_max_num_queries(12):
        response = client.get(URL, {"by": "flow"})
    shown = [
        (row.flow.name, row.number_count, row.waiting, row.revision.number)
        for row in response.context["rows"]
    ]
    assert shown == [("Old", 1, 0, 1), ("Reception", 1, 2, 2), ("Sketch", 1, 0, 2)]
    narrowed = client.get(URL, {"by": "flow", "q": "SKET\x00"})
    assert [row.flow.name for row in narrowed.context["rows"]] == ["Sketch"]
    assert "No flow matches" in client.get(URL, {"by": "flow", "q": "<b>"}).content.decode()


def test_a_flow_in_which_nothing_is_saved_is_no_link(bob: Membership) -> None:
    flow = CallFlowFactory(tenant=bob.tenant)
    page = signed_in(bob).get(URL, {"by": "flow"}).content.decode()
    assert "Nothing saved yet" in page
    assert reverse("callflows:detail", args=[flow.pk]) not in page


@pytest.mark.parametrize(("role", "is_asked"), [("viewer", False), ("member", True)])
def test_who_has_none_is_told_how_to_get_one(role: str, is_asked: bool, acme: Tenant) -> None:
    client = signed_in(MembershipFactory(tenant=acme, role=role))
    for query in ({}, {"by": "flow"}):
        page = client.get(URL, query).content.decode()
        assert "No call flow yet" in page
        assert ("Connect an AI host" in page) is is_asked


def test_a_viewer_is_offered_no_connection(acme: Tenant, numbers: None) -> None:
    page = signed_in(MembershipFactory(tenant=acme, role="viewer")).get(URL).content.decode()
    assert "Connect it" not in page


def test_mallory_sees_nothing_of_acme(mallory: Membership, acme: Tenant, numbers: None) -> None:
    flow = make_flow(acme, name="Secret line")
    client = signed_in(mallory)
    for query in ({}, {"by": "flow"}, {"flow": flow.pk}, {"q": "Secret"}):
        page = client.get(URL, query).content.decode()
        assert "Secret line" not in page
        assert "+44 20 7946" not in page
