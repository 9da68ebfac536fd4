from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from audit.models import MonthlyUsage
from audit.services import month_bounds
from cliqtel_portal.accounts.models import Membership, Tenant
from mcp_access.views.hosts import hosts
from tests.factories.accounts import MembershipFactory
from tests.factories.mcp_access import make_token
from tests.mcp_access.oauth.connected import connect

pytestmark = pytest.mark.django_db

URL = "/numbers/ai-access/"


def signed_in(membership: Membership) -> Client:
    client = Client()
    client.force_login(membership.user)
    return client


def test_it_is_where_the_contract_says() -> None:
    assert reverse("mcp_access:overview") == URL


def test_a_stranger_is_sent_to_the_login() -> None:
    response = Client().get(URL)

    assert response.status_code == 302
    assert response["Location"].startswith("/account/login/")


def test_it_shows_the_running_endpoint_and_a_line_for_every_host(alice: Membership) -> None:
    page = signed_in(alice).get(URL).content.decode()

    assert f'<code id="endpoint">{settings.MCP_RESOURCE_URL}</code>' in page
    for host in hosts():
        assert f"<b>{host.title}</b>" in page
    assert f"claude mcp add --transport http cliqtel {settings.MCP_RESOURCE_URL}" in page
    assert page.count("YOUR_TOKEN") > 6
    assert "ct_mcp_" not in page


def test_the_endpoint_is_the_setting_not_the_host_header(alice: Membership) -> None:
    page = signed_in(alice).get(URL, HTTP_HOST="localhost").content.decode()

    assert "http://localhost" not in page


def test_the_first_run_says_what_to_do(alice: Membership) -> None:
    page = signed_in(alice).get(URL).content.decode()

    assert "No tokens yet" in page
    assert "paste the URL and sign in" in page
    assert "<table" not in page


def test_it_shows_five_tokens_live_ones_first(alice: Membership) -> None:
    make_token(alice, name="dead", expires=timezone.now() - timedelta(hours=1))
    for number in range(4):
        make_token(alice, name=f"live {number}")
    make_token(alice, name="newest but dead", expires=timezone.now() - timedelta(hours=1))

    page = signed_in(alice).get(URL).content.decode()

    assert page.count('<th scope="row"') == 5
    assert page.index("live 0") < page.index("newest but dead")
    assert "All 6" in page


def test_it_shows_what_is_used_of_the_plan(alice: Membership) -> None:
    MonthlyUsage.objects.create(tenant_id=alice.tenant_id, month=month_bounds()[0], calls=85_000)
    make_token(alice)

    page = signed_in(alice).get(URL).content.decode()

    assert "85,000 of 100,000" in page
    assert '<progress class="warn" value="85000" max="100000"' in page
    assert "Further calls cost €0.0005 each." in page
    assert "300 calls a minute" in page
    assert "1 of 5" in page
    assert f"{month_bounds()[1]:%-d %b %Y}" in page


def test_a_hard_month_says_that_calls_are_refused(mallory: Membership) -> None:
    Tenant.objects.filter(pk=mallory.tenant_id).update(tier="discover")
    MonthlyUsage.objects.create(tenant_id=mallory.tenant_id, month=month_bounds()[0], calls=10_000)

    page = signed_in(mallory).get(URL).content.decode()

    assert '<progress class="bad" value="10000" max="10000"' in page
    assert "Further calls are refused until then." in page


def test_an_unlimited_tier_has_no_meter(mallory: Membership) -> None:
    Tenant.objects.filter(pk=mallory.tenant_id).update(tier="embed")

    page = signed_in(mallory).get(URL).content.decode()

    assert "<progress" not in page
    assert "0 used" in page


def test_a_viewer_gets_no_page_and_no_link(acme: Tenant) -> None:
    viewer = signed_in(MembershipFactory(tenant=acme, role="viewer"))

    assert viewer.get(URL).status_code == 403
    assert URL not in viewer.get("/trunks/").content.decode()
    assert URL in signed_in(MembershipFactory(tenant=acme)).get("/trunks/").content.decode()


def test_mallory_sees_nothing_of_acme(alice: Membership, mallory: Membership) -> None:
    make_token(alice, name="secret of acme")
    MonthlyUsage.objects.create(tenant_id=alice.tenant_id, month=month_bounds()[0], calls=4321)

    page = signed_in(mallory).get(URL).content.decode()

    assert "secret of acme" not in page
    assert "4,321" not in page
    assert "0 of 5" in page


def test_bob_sees_his_own_tokens_only(alice: Membership, bob: Membership) -> None:
    make_token(alice, name="of alice")
    make_token(bob, name="of bob")

    page = signed_in(bob).get(URL).content.decode()

    assert "of bob" in page
    assert "of alice" not in page


def test_it_costs_the_same_for_many_tokens_and_apps(
    alice: Membership, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(30):
        make_token(alice)
        connect(alice, f"App {number}")
    client = signed_in(alice)

    with django_assert_max_num_queries(15):
        client.get(URL)
