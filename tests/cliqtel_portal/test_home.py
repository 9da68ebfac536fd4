from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from html import unescape

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from cliqtel_portal.accounts.models import Membership, Tenant
from tests.factories.accounts import UserFactory
from tests.factories.audit import failed, make_call, ok
from tests.factories.billing import LedgerEntryFactory
from tests.factories.callflows import make_flow
from tests.factories.mcp_access import make_token
from tests.factories.numbers import EmergencyAddressFactory, PhoneNumberFactory
from tests.factories.trunks import TrunkFactory

pytestmark = pytest.mark.django_db


def signed_in(membership: Membership) -> Client:
    client = Client()
    client.force_login(membership.user)
    return client


def home(membership: Membership) -> str:
    """The page without what stands around it on every page: the rail and the chat widget."""
    response = signed_in(membership).get("/")
    assert response.status_code == 200
    return unescape(response.content.decode()).partition("<main")[2].partition("</main>")[0]


def call_of(membership: Membership, tool: str, **fields: object) -> None:
    make_call(
        tool=tool,
        tenant_id=membership.tenant_id,
        user_id=membership.user_id,
        user_label=membership.user.email,
        **{"outcome": ok(), **fields},
    )


def test_a_stranger_is_sent_to_the_login() -> None:
    response = Client().get("/")
    assert response.status_code == 302
    assert response["Location"] == "/account/login/?next=/"


def test_staff_without_an_account_are_told_so() -> None:
    client = Client()
    client.force_login(UserFactory(is_staff=True))
    response = client.get("/")
    assert response.status_code == 403
    assert "No account to show" in response.content.decode()


def test_a_new_account_is_greeted_and_told_what_to_do(alice: Membership) -> None:
    page = home(alice)
    assert f"<bdi>{alice.user.name}</bdi></h1>" in page
    assert "Acme Test" in page
    assert "Connect an AI host" in page
    assert page.count("To do") == 3
    assert "Done" not in page
    assert "No call yet" in page
    assert "buy the first" in page
    assert "All well" not in page


def test_the_third_step_is_one_that_the_tier_and_the_role_can_take(
    alice: Membership, bob: Membership
) -> None:
    assert "Decide the first approval" in home(alice)
    assert "Have a first draft decided" in home(bob)
    assert "Ask the host “Order us a number" in home(bob)
    alice.tenant.tier = "discover"
    alice.tenant.save()
    assert "Ask the host “Order us a number" not in home(alice)
    assert "with Discover hosts read, and draft no orders" in home(alice)


def test_a_token_that_was_used_means_a_host_is_connected(alice: Membership) -> None:
    make_token(alice, last_used_at=timezone.now())
    page = home(alice)
    assert "AI host connected" in page
    assert page.count("To do") == 2


@pytest.mark.parametrize(
    "fields",
    [
        {"last_used_at": None},
        {"last_used_at": timezone.now(), "revoked_at": timezone.now()},
        {"last_used_at": timezone.now(), "expires": timezone.now() - timedelta(hours=1)},
    ],
    ids=["unused", "revoked", "expired"],
)
def test_a_token_that_is_unused_or_dead_connects_nothing(
    alice: Membership, fields: dict[str, object]
) -> None:
    make_token(alice, **fields)
    assert "AI host connected" not in home(alice)


def test_only_a_call_that_succeeded_is_the_first_call(alice: Membership) -> None:
    call_of(alice, "whoami", outcome=failed("insufficient_scope"))
    page = home(alice)
    assert "First call made" not in page
    assert "insufficient_scope" in page, "it is listed all the same"
    call_of(alice, "whoami")
    assert "First call made" in home(alice)


def test_the_last_five_calls_are_listed_newest_first(alice: Membership) -> None:
    for number in range(7):
        call_of(alice, f"tool_{number}")
    page = home(alice)
    found = [page.find(f"tool_{number}") for number in (6, 5, 4, 3, 2)]
    assert found == sorted(found)
    assert found[0] > 0
    assert "tool_1" not in page


def test_a_member_sees_their_own_calls_and_hosts_an_admin_everyones(
    alice: Membership, bob: Membership
) -> None:
    make_token(alice, last_used_at=timezone.now())
    call_of(alice, "get_pricing")
    call_of(bob, "whoami", outcome=failed("not_found"))
    own = home(bob)
    assert "whoami" in own
    assert "get_pricing" not in own
    assert alice.user.email not in own
    assert own.count("To do") == 3
    everything = home(alice)
    assert "whoami" in everything
    assert "get_pricing" in everything
    assert bob.user.email in everything
    assert everything.count("To do") == 1


def test_a_viewer_sees_nothing_of_ai_access(alice: Membership, bob: Membership) -> None:
    Membership.objects.filter(pk=bob.pk).update(role="viewer")
    call_of(alice, "get_pricing")
    PhoneNumberFactory(tenant=bob.tenant)
    page = home(bob)
    assert "Your account" in page
    assert "1 active number is not connected" in page
    for text in ("AI host", "First steps", "Last calls", "get_pricing", "ai-access", "Waiting for"):
        assert text not in page
    assert "ai-access" not in signed_in(bob).get("/").content.decode().partition("</main>")[0]


def test_what_the_account_has_is_counted_and_linked(bob: Membership) -> None:
    tenant = bob.tenant
    trunk = TrunkFactory(tenant=tenant, registered=True)
    TrunkFactory(tenant=tenant, by_ip=True)
    TrunkFactory(tenant=tenant, refused=True)
    TrunkFactory(tenant=tenant, refused=True, status="disabled")
    make_flow(tenant)
    make_flow(tenant, status="draft")
    make_flow(tenant, status="archived")
    PhoneNumberFactory.create_batch(3, tenant=tenant, trunk=trunk)
    PhoneNumberFactory(tenant=tenant)
    PhoneNumberFactory(tenant=tenant, status="porting")
    PhoneNumberFactory(tenant=tenant, status="released")
    LedgerEntryFactory(tenant=tenant, amount=Decimal("25.0099"), currency=tenant.currency)
    page = " ".join(home(bob).split())
    assert '<p class="figure">5</p> <p class="small muted">4 active</p>' in page
    assert '<p class="figure">4</p> <p class="small muted">2 ready for calls</p>' in page
    assert '<p class="figure">2</p> <p class="small muted">1 active</p>' in page
    assert "1 draft<" in page
    assert "€25.00<" in page
    for url in ("/numbers/", "/trunks/", "/callflows/"):
        assert f'<h3><a href="{url}">' in page


def test_what_needs_nobody_is_not_mentioned(bob: Membership) -> None:
    PhoneNumberFactory(
        tenant=bob.tenant,
        trunk=TrunkFactory(tenant=bob.tenant, registered=True),
        emergency_state="validated",
        emergency_address=EmergencyAddressFactory(tenant=bob.tenant),
    )
    page = home(bob)
    assert "All well" in page
    assert "badge warn" not in page
    assert "badge bad" not in page


def test_the_page_costs_the_same_for_much_of_everything(
    alice: Membership, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    TrunkFactory.create_batch(10, tenant=alice.tenant)
    PhoneNumberFactory.create_batch(60, tenant=alice.tenant)
    for number in range(8):
        make_flow(alice.tenant)
        make_token(alice, last_used_at=timezone.now())
        call_of(alice, f"tool_{number}")
    client = signed_in(alice)
    client.get("/settings/")  # the first use of a session is noted
    # Session, person, memberships, the shell's approvals; numbers, trunks, flows, balance; carrier,
    # alerts, trunks that are down, tokens that end; connected (4), called, decided, waiting, calls.
    with django_assert_max_num_queries(22):
        client.get("/")


def test_mallory_sees_nothing_of_acme(mallory: Membership, alice: Membership, acme: Tenant) -> None:
    make_token(alice, last_used_at=timezone.now())
    call_of(alice, "get_pricing")
    PhoneNumberFactory(tenant=acme)
    TrunkFactory(tenant=acme)
    make_flow(acme)
    LedgerEntryFactory(tenant=acme, amount=Decimal("25.00"), currency=acme.currency)
    page = home(mallory)
    assert page.count('<p class="figure">0</p>') == 3
    assert page.count("To do") == 3
    assert "get_pricing" not in page
    assert "25.00" not in page


def test_what_hosts_call_themselves_is_escaped(alice: Membership) -> None:
    call_of(alice, "whoami", client_label="<b>host</b>", token_label="<i>token</i>")
    page = signed_in(alice).get("/").content.decode()
    assert "<b>host" not in page
    assert "<i>token" not in page


def test_the_page_takes_no_post(alice: Membership) -> None:
    assert signed_in(alice).post("/").status_code == 405
