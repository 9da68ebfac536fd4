from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from cliqtel_portal.accounts.models import Membership, Tenant
from cliqtel_portal.numbers.models import PhoneNumber
from tests.factories.callflows import make_flow
from tests.factories.numbers import (
    EmergencyAddressFactory,
    NumberChangeFactory,
    PhoneNumberFactory,
)
from tests.factories.trunks import TrunkFactory

pytestmark = pytest.mark.django_db

LIST = "/numbers/"


def signed_in(membership: Membership) -> Client:
    client = Client()
    client.force_login(membership.user)
    return client


def shown(page: str) -> list[str]:
    """The numbers of the list, in its order."""
    return re.findall(r'<span id="e164-[^"]+" hidden>(\+\d+)</span>', page)


def listed(membership: Membership, **filters: str) -> list[str]:
    response = signed_in(membership).get(LIST, filters)
    assert response.status_code == 200
    return shown(response.content.decode())


def detail(number: PhoneNumber) -> str:
    return reverse("numbers:detail", args=[number.pk])


def test_a_stranger_is_sent_to_the_login() -> None:
    for url in (LIST, detail(PhoneNumberFactory())):
        response = Client().get(url)
        assert response.status_code == 302
        assert "/account/login/" in response["Location"]


def test_the_list_shows_all_that_is_known_of_a_number(bob: Membership) -> None:
    trunk = TrunkFactory(tenant=bob.tenant, name="Amsterdam PBX")
    number = PhoneNumberFactory(
        tenant=bob.tenant,
        e164="+31201230900",
        capabilities=["fax", "voice"],
        trunk=trunk,
        tags=["main"],
        monthly_price=Decimal("1.25"),
        renews_at=datetime(2026, 12, 1, 12, tzinfo=UTC),
        emergency_state="validated",
        emergency_address=EmergencyAddressFactory(tenant=bob.tenant),
    )
    page = signed_in(bob).get(LIST).content.decode()
    assert shown(page) == ["+31201230900"]
    for text in ("+31 20 123 0900", "Netherlands", ">NL<", "Local", "Voice, Fax", "Amsterdam PBX"):
        assert text in page
    for text in ("Active", "Validated", ">main<", "€1.25", "1 Dec 2026", "1 number in 1 country"):
        assert text in page
    assert f'href="{detail(number)}"' in page
    assert f'href="{reverse("trunks:detail", args=[trunk.pk])}"' in page
    assert f'data-copy="#e164-{number.pk}"' in page
    assert "tel:" not in page, "a click on an owned number must not dial"


def test_the_list_leads_to_the_call_flow_of_a_number(bob: Membership) -> None:
    flow = make_flow(bob.tenant, name="Reception")
    PhoneNumberFactory(tenant=bob.tenant, call_flow=flow)
    page = signed_in(bob).get(LIST).content.decode()
    assert f'href="{reverse("callflows:detail", args=[flow.pk])}"' in page
    assert "Reception" in page


@pytest.mark.parametrize(
    ("status", "warns"), [("active", True), ("provisioning", False), ("disabled", False)]
)
def test_only_an_active_number_without_connection_is_warned_about(
    bob: Membership, status: str, warns: bool
) -> None:
    PhoneNumberFactory(tenant=bob.tenant, status=status)
    page = signed_in(bob).get(LIST).content.decode()
    assert "Not connected" in page
    assert ('<span aria-hidden="true">!</span>Not connected' in page) is warns


def test_each_status_has_its_word(bob: Membership) -> None:
    for status in PhoneNumber.Status:
        number = PhoneNumberFactory(tenant=bob.tenant, status=status)
        page = signed_in(bob).get(detail(number)).content.decode()
        assert f"</span>{status.label}</span>" in page or f">{status.label}</span>" in page


def test_the_counts_leave_released_numbers_out(bob: Membership) -> None:
    PhoneNumberFactory.create_batch(3, tenant=bob.tenant)
    PhoneNumberFactory(tenant=bob.tenant, country="GB", status="porting")
    PhoneNumberFactory(tenant=bob.tenant, country="DE", status="released")
    page = signed_in(bob).get(LIST).content.decode()
    assert "4 numbers in 2 countries: 3 active, 1 porting." in page
    assert len(shown(page)) == 4


@pytest.fixture
def varied(acme: Tenant) -> None:
    """Five numbers of which each filter finds another part."""
    flow, trunk = make_flow(acme), TrunkFactory(tenant=acme)
    address = EmergencyAddressFactory(tenant=acme)
    make = PhoneNumberFactory
    make(tenant=acme, e164="+31201230900", trunk=trunk, tags=["main"])
    make(tenant=acme, e164="+31612340900", capabilities=["voice", "sms"], call_flow=flow)
    make(
        tenant=acme,
        e164="+442079460900",
        country="GB",
        tags=["main", "london"],
        emergency_state="pending",
        emergency_address=address,
    )
    make(tenant=acme, e164="+442079460901", country="GB", status="porting")
    make(tenant=acme, e164="+493023125900", country="DE", status="released")


@pytest.mark.usefixtures("varied")
@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, ["+31201230900", "+31612340900", "+442079460900", "+442079460901"]),
        ({"status": "porting"}, ["+442079460901"]),
        ({"status": "released"}, ["+493023125900"]),
        ({"country": "gb"}, ["+442079460900", "+442079460901"]),
        ({"capability": "sms"}, ["+31612340900"]),
        ({"tag": "main"}, ["+31201230900", "+442079460900"]),
        ({"tag": "mai"}, []),
        ({"connection": "trunk"}, ["+31201230900"]),
        ({"connection": "call_flow"}, ["+31612340900"]),
        ({"connection": "none"}, ["+442079460900", "+442079460901"]),
        ({"emergency": "pending"}, ["+442079460900"]),
        ({"digits": "020 123"}, ["+31201230900"]),
        ({"digits": "+44"}, ["+442079460900", "+442079460901"]),
        ({"digits": "0900"}, ["+31201230900", "+31612340900", "+442079460900"]),
        ({"country": "GB", "tag": "london", "status": "active"}, ["+442079460900"]),
    ],
)
def test_filters_narrow_the_list(
    bob: Membership, filters: dict[str, str], expected: list[str]
) -> None:
    assert listed(bob, **filters) == expected


@pytest.mark.usefixtures("varied")
def test_the_menus_offer_what_the_account_has(bob: Membership) -> None:
    PhoneNumberFactory(tags=["of-strangers"], country="FR")
    page = signed_in(bob).get(LIST, {"tag": "gone"}).content.decode()
    assert re.findall(r'<option value="(\w{2})"', page) == ["NL", "GB"]
    tags = page[page.index('name="tag"') :]
    assert re.findall(r'<option value="([^"]+)"', tags) == ["gone", "london", "main"]
    assert '<option value="gone" selected>' in page


@pytest.mark.usefixtures("varied")
def test_filters_that_match_nothing_can_be_cleared(bob: Membership) -> None:
    page = signed_in(bob).get(LIST, {"country": "FR"}).content.decode()
    assert "No number matches" in page
    assert "None of your 4 numbers fits" in page
    assert "Clear filters" in page
    assert "0 numbers match." in page


@pytest.mark.usefixtures("varied")
@pytest.mark.parametrize(
    ("filters", "complaint"),
    [
        ({"digits": "drop;table"}, "Write digits"),
        ({"digits": "\x00"}, "Null characters are not allowed"),
        ({"status": "lost"}, "Select a valid choice"),
        ({"capability": "fly"}, "Select a valid choice"),
        ({"country": "XX"}, "There is no such country"),
        ({"tag": "\x00"}, "Null characters are not allowed"),
    ],
)
def test_a_filter_without_sense_says_so_and_finds_nothing(
    bob: Membership, filters: dict[str, str], complaint: str
) -> None:
    page = signed_in(bob).get(LIST, filters).content.decode()
    assert complaint in page
    assert shown(page) == []


def test_the_list_without_numbers_says_what_to_do(bob: Membership) -> None:
    page = signed_in(bob).get(LIST).content.decode()
    assert "No numbers yet" in page
    assert "Clear filters" not in page


def test_pages_go_forth_and_back_without_gap_or_repetition(bob: Membership) -> None:
    PhoneNumberFactory.create_batch(120, tenant=bob.tenant, tags=["a b&c"])
    client = signed_in(bob)

    def follow(page: str, rel: str) -> str:
        (query,) = re.findall(rf'href="(\?[^"]+)" rel="{rel}"', page)
        return client.get(LIST + query.replace("&amp;", "&")).content.decode()

    first = client.get(LIST, {"tag": "a b&c"}).content.decode()
    second = follow(first, "next")
    third = follow(second, "next")
    everything = sorted(PhoneNumber.objects.values_list("e164", flat=True))
    assert [len(shown(page)) for page in (first, second, third)] == [50, 50, 20]
    assert shown(first) + shown(second) + shown(third) == everything
    assert 'rel="prev"' not in first
    assert 'rel="next"' not in third
    assert "120 numbers match." in third, "the filter stays"
    assert shown(follow(third, "prev")) == shown(second)
    back = follow(second, "prev")
    assert shown(back) == shown(first)
    assert 'rel="prev"' not in back


def test_a_number_that_was_released_and_bought_again_breaks_no_page(bob: Membership) -> None:
    for status in ("released", "released", "active"):
        PhoneNumberFactory(tenant=bob.tenant, e164="+31201230900", status=status)
    last = PhoneNumber.objects.filter(status="released").order_by("id").first()
    assert last
    after = f"{last.e164}.{last.pk}"
    assert listed(bob, status="released", after=after) == ["+31201230900"]


@pytest.mark.parametrize("cursor", ["", "x", "+31201.not-a-uuid", "+3120555\x00." + "0" * 36])
def test_a_cursor_that_is_not_ours_shows_the_first_page(bob: Membership, cursor: str) -> None:
    number = PhoneNumberFactory(tenant=bob.tenant)
    assert listed(bob, after=cursor) == [number.e164]
    assert listed(bob, before=cursor) == [number.e164]


def test_a_page_whose_numbers_have_gone_leads_to_the_first(bob: Membership) -> None:
    number = PhoneNumberFactory(tenant=bob.tenant)
    response = signed_in(bob).get(LIST, {"after": f"{number.e164}.{number.pk}"})
    assert "This page is empty now" in response.content.decode()


def test_the_list_costs_the_same_for_many_numbers(
    bob: Membership, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    trunk, flow = TrunkFactory(tenant=bob.tenant), make_flow(bob.tenant)
    PhoneNumberFactory.create_batch(30, tenant=bob.tenant, trunk=trunk, tags=["ddi"])
    PhoneNumberFactory.create_batch(30, tenant=bob.tenant, call_flow=flow)
    client = signed_in(bob)
    # Session with where it was seen, person, memberships, counts, tags, count of the filtered,
    # page, places to connect to.
    with django_assert_max_num_queries(11):
        page = client.get(LIST, {"status": "active"}).content.decode()
    assert "50 of 60 shown" in page


def test_the_page_of_a_number_tells_everything(bob: Membership) -> None:
    trunk = TrunkFactory(tenant=bob.tenant, name="Amsterdam PBX", registered=True)
    number = PhoneNumberFactory(
        tenant=bob.tenant,
        e164="+31201230900",
        capabilities=["voice", "fax"],
        trunk=trunk,
        tags=["main desk"],
        emergency_state="pending",
        emergency_address=EmergencyAddressFactory(tenant=bob.tenant),
    )
    page = signed_in(bob).get(detail(number)).content.decode()
    for text in ("+31201230900", "+31 20 123 0900", "020 123 0900", "Netherlands", "Voice, Fax"):
        assert text in page
    for text in ("Amsterdam PBX", "Registered", "Being validated"):
        assert text in page
    for tab in ("routing", "messaging", "emergency", "activity"):
        assert f'href="{detail(number)}{tab}/"' in page
    assert f'href="{reverse("trunks:detail", args=[trunk.pk])}"' in page
    assert 'href="/numbers/?tag=main%20desk"' in page
    assert "Made up for the demo" not in page
    assert "tel:" not in page


def test_the_page_of_a_number_leads_to_its_call_flow(bob: Membership) -> None:
    flow = make_flow(bob.tenant, name="Reception")
    number = PhoneNumberFactory(tenant=bob.tenant, call_flow=flow, is_demo=True)
    page = signed_in(bob).get(detail(number)).content.decode()
    assert f'href="{reverse("callflows:detail", args=[flow.pk])}"' in page
    assert "Made up for the demo" in page


def test_the_page_of_an_unconnected_number_says_that_calls_are_rejected(bob: Membership) -> None:
    number = PhoneNumberFactory(tenant=bob.tenant)
    page = signed_in(bob).get(detail(number)).content.decode()
    assert "calls to it are rejected" in page


def test_the_page_of_a_number_costs_the_same_however_much_there_is(
    bob: Membership, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    number = PhoneNumberFactory(tenant=bob.tenant, trunk=TrunkFactory(tenant=bob.tenant))
    for _ in range(3):
        TrunkFactory(tenant=bob.tenant)
        make_flow(bob.tenant)
        NumberChangeFactory(number=number)
    client = signed_in(bob)
    # Session, person, memberships, number with all it leads to, the shell's count of approvals;
    # places to connect it to, its record, approvals about it.
    with django_assert_max_num_queries(12):
        client.get(detail(number))


def test_what_people_have_named_is_escaped(bob: Membership) -> None:
    trunk = TrunkFactory(tenant=bob.tenant, name="<b>PBX</b>")
    number = PhoneNumberFactory(tenant=bob.tenant, trunk=trunk, tags=["<i>x</i>"], area="<u>A</u>")
    for url in (LIST, detail(number)):
        page = signed_in(bob).get(url).content.decode()
        assert "<b>PBX" not in page
        assert "<i>x" not in page
        assert "<u>A" not in page


def test_mallory_sees_nothing_of_acme(mallory: Membership, acme: Tenant) -> None:
    number = PhoneNumberFactory(tenant=acme, e164="+31201230900", tags=["secret-tag"])
    client = signed_in(mallory)
    page = client.get(LIST).content.decode()
    assert "secret-tag" not in page
    assert shown(page) == []
    assert listed(mallory, digits="0900") == []
    assert client.get(detail(number)).status_code == 404


def test_a_viewer_may_read_numbers(bob: Membership) -> None:
    Membership.objects.filter(pk=bob.pk).update(role="viewer")
    number = PhoneNumberFactory(tenant=bob.tenant)
    client = signed_in(bob)
    assert number.e164 in client.get(LIST).content.decode()
    assert client.get(detail(number)).status_code == 200


def test_the_pages_take_no_post(bob: Membership) -> None:
    assert signed_in(bob).post(LIST).status_code == 405


def test_ai_access_keeps_its_place_below_numbers(bob: Membership) -> None:
    page = signed_in(bob).get("/numbers/ai-access/").content.decode()
    assert "<h1>AI Access</h1>" in page
