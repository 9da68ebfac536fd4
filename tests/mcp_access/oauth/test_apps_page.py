"""Connected apps: what each person sees of them."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from cliqtel_portal.accounts.models import Membership, Tenant
from cliqtel_portal.notices.models import Notice
from mcp_access.models import AccessToken, Consent, Grant, RefreshToken
from tests.factories.accounts import MembershipFactory
from tests.factories.audit import make_call, ok
from tests.factories.mcp_access import make_token
from tests.factories.notices import NoticeFactory
from tests.factories.oauth import make_application, make_session
from tests.mcp_access.oauth.connected import (
    OVERVIEW,
    URL,
    connect,
    detail,
    is_live,
    page_of,
    replay,
    revoke_all,
    signed_in,
)
from tests.mcp_access.oauth.host import Host

pytestmark = pytest.mark.django_db


def test_it_is_where_the_contract_says() -> None:
    assert reverse("mcp_access:app-list") == URL


def test_a_stranger_is_sent_to_the_login_and_a_viewer_reads_why_not(
    alice: Membership, acme: Tenant
) -> None:
    consent = connect(alice)
    viewer = signed_in(MembershipFactory(tenant=acme, role="viewer"))
    notice = NoticeFactory(tenant=acme)
    paths = [URL, detail(consent), f"{detail(consent)}revoke/", f"{URL}revoke-all/"]
    for path in paths:
        assert Client().get(path)["Location"].startswith("/account/login/")
        assert viewer.get(path).status_code == 403
    for path in [*paths[2:], f"{OVERVIEW}notices/{notice.pk}/dismiss/"]:
        assert viewer.post(path, {"whose": "everybody"}).status_code == 403
    assert is_live(consent)
    assert URL not in viewer.get("/trunks/").content.decode()
    assert f'href="{URL}"' in page_of(alice, "/trunks/")


def test_without_an_app_it_says_how_to_connect_one(alice: Membership) -> None:
    page = page_of(alice)

    assert "No app yet" in page
    assert "Paste the endpoint into your AI host and sign in." in page
    assert "Revoke all" not in page


def test_a_row_says_who_what_where_and_when(client: Any, alice: Membership) -> None:
    Host(client).connect(alice)
    AccessToken.objects.update(
        last_used_at=timezone.now() - timedelta(minutes=3),
        last_used_tool="list_inventory",
        last_used_client="claude-ai 1.0",
        last_used_address="192.0.2.7",
    )

    page = page_of(alice)

    for text in (
        "<bdi>Claude</bdi>",
        "Name is self-declared",
        "</span> claude.ai</span>",
        "2 read",
        "See numbers, trunks and assignments",
        "Search docs, guides and requirements",
        "<bdi>You</bdi>",
        "3 min ago",
        "list_inventory",
        "claude-ai 1.0",
        "192.0.2.7",
        '<td data-label="Live sessions" class="num">1</td>',
        "Connected</span>",
        f"{timezone.now():%-d %b %Y}",
    ):
        assert text in page, text
    assert "mcp.orders.draft" not in page


def test_what_an_app_calls_itself_is_only_text(alice: Membership) -> None:
    consent = connect(alice, "<b>Official</b>\u202e\nCliqtel")

    for path in (URL, detail(consent), f"{detail(consent)}revoke/", OVERVIEW):
        page = page_of(alice, path)
        assert "<b>Official" not in page
        assert "\u202e" not in page
        assert "&lt;b&gt;Official&lt;/b&gt; Cliqtel" in page


def test_an_app_known_by_its_document_shows_that_host(alice: Membership) -> None:
    application = make_application("Claude")
    application.registration_source = "cimd"
    application.client_id = "https://claude.ai/oauth/client.json"
    application.save()
    consent = connect(alice, application=application, redirect_uri="http://localhost:8123/callback")

    for path in (URL, detail(consent)):
        page = page_of(alice, path)
        assert "</span>claude.ai</span>" in page
        assert "self-declared" not in page
        assert "this computer" in page


def test_sessions_are_counted_by_family_and_only_live_ones(alice: Membership) -> None:
    consent = connect(alice, live=2)
    family = uuid.uuid4()
    make_session(alice, consent.application, family=family, revoked=timezone.now())
    make_session(alice, consent.application, family=family)
    make_session(alice, consent.application, family=uuid.uuid4(), revoked=timezone.now())
    expired = make_session(alice, consent.application, family=uuid.uuid4())
    RefreshToken.objects.filter(pk=expired.pk).update(expires_at=timezone.now())

    page = page_of(alice)

    assert '<td data-label="Live sessions" class="num">3</td>' in page


def test_an_admin_sees_the_tenants_a_member_their_own_and_mallory_none(
    alice: Membership, bob: Membership, mallory: Membership
) -> None:
    connect(alice, "App of alice")
    connect(bob, "App of bob")
    connect(mallory, "App of mallory")

    assert ["App of alice" in page_of(alice), "App of bob" in page_of(alice)] == [True, True]
    assert ["App of alice" in page_of(bob), "App of bob" in page_of(bob)] == [False, True]
    for path in (URL, OVERVIEW):
        assert "App of alice" not in page_of(mallory, path)
        assert "App of mallory" not in page_of(alice, path)
    assert "<bdi>You</bdi>" not in page_of(bob)


def test_the_same_person_in_two_tenants_sees_each_apart(
    alice: Membership, mallory: Membership
) -> None:
    other = MembershipFactory(user=alice.user, tenant=mallory.tenant, role="member")
    here, there = connect(alice, "Here"), connect(other, "There")

    page = page_of(alice)
    assert "Here" in page
    assert "There" not in page
    assert signed_in(alice).get(detail(there)).status_code == 404
    revoke_all(alice)
    assert [is_live(here), is_live(there)] == [False, True]


def test_others_get_404_and_end_nothing(
    alice: Membership, bob: Membership, mallory: Membership
) -> None:
    consent = connect(alice)
    for membership in (bob, mallory):
        client = signed_in(membership)
        assert client.get(detail(consent)).status_code == 404
        assert client.get(f"{detail(consent)}revoke/").status_code == 404
        for whose in ("", "everybody"):
            answer = client.post(f"{detail(consent)}revoke/", {"whose": whose})
            assert answer.status_code == 404
        client.post(f"{URL}revoke-all/", {"whose": "everybody"})
    assert is_live(consent)
    assert signed_in(alice).get(f"{URL}{uuid.uuid4()}/").status_code == 404


def test_live_apps_come_before_those_that_ended(alice: Membership) -> None:
    now = timezone.now()
    connect(alice, "Old but live", last_at=now - timedelta(days=20))
    connect(alice, "Gone", live=0)
    connect(alice, "Fresh")

    page = page_of(alice)

    assert page.index("Fresh") < page.index("Old but live") < page.index("Gone")


def test_each_state_has_its_word(alice: Membership, acme: Tenant) -> None:
    now = timezone.now()
    connect(alice, "a", live=0)
    connect(alice, "b", live=0, revoked_at=now)
    connect(alice, "c", live=0, swept_at=now, last_at=now - timedelta(hours=1))
    connect(alice, "d", swept_at=now - timedelta(days=1))
    left = MembershipFactory(tenant=acme, role="member")
    connect(left, "e")
    Membership.objects.filter(pk=left.pk).update(role="viewer")
    signing = connect(alice, "f", live=0)
    Grant.objects.create(
        tenant=acme,
        user=alice.user,
        application=signing.application,
        code="c" * 64,
        expires=now + timedelta(minutes=1),
        redirect_uri=signing.redirect_uri,
    )

    page = page_of(alice)

    for word in (
        "Ended</span>",
        "Revoked</span>",
        "Ended: token reused</span>",
        "Connected</span>",
        "Owner lost access</span>",
        "Signing in</span>",
    ):
        assert page.count(word) == 1, word


def test_sixty_apps_cost_no_more_than_one(
    alice: Membership, acme: Tenant, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(60):
        person = MembershipFactory(tenant=acme, role="member") if number % 3 else alice
        connect(person, f"App {number}")
    AccessToken.objects.update(last_used_at=timezone.now())
    NoticeFactory(tenant=acme)
    client = signed_in(alice)
    client.get(URL)  # the first use of a session is written down

    with django_assert_max_num_queries(10):
        page = client.get(URL).content.decode()
    with django_assert_max_num_queries(10):
        second = client.get(f"{URL}?page=2").content.decode()

    assert page.count('<th scope="row"') == 50
    assert second.count('<th scope="row"') == 10
    assert "Page 2 of 2" in second


class LongName(Host):
    def register(self, **metadata: Any) -> dict[str, Any]:
        return super().register(client_name="x" * 120, **metadata)


def test_no_name_is_too_long_for_the_sweep(client: Any, alice: Membership) -> None:
    replay(LongName(client).connect(alice))

    assert not RefreshToken.objects.filter(revoked__isnull=True).exists()
    assert not AccessToken.objects.filter(revoked_at__isnull=True).exists()
    assert "x" * 80 in Notice.objects.get().title


def test_a_second_replay_does_not_move_the_time_of_the_sweep(
    client: Any, alice: Membership
) -> None:
    host = Host(client).connect(alice)
    replay(host)
    swept_at = Consent.objects.get().swept_at

    assert host.refresh(host.tokens["refresh_token"]).status_code == 400

    assert Consent.objects.get().swept_at == swept_at
    assert Notice.objects.count() == 1


def test_a_sweep_is_told_on_every_page_until_it_is_dismissed(
    client: Any, alice: Membership
) -> None:
    replay(Host(client).connect(alice))
    consent = Consent.objects.get()
    at = consent.swept_at
    assert at is not None

    page = page_of(alice, detail(consent))
    assert "An old refresh token was used again at" in page
    assert f'datetime="{at.isoformat(timespec="seconds")}"' in page
    assert "all sessions ended" in page
    assert page.count("Ended: token reused") == 2, "the app, and its session"
    browser = signed_in(alice)
    for path in (URL, OVERVIEW):
        page = browser.get(path).content.decode()
        assert "All sessions of Claude were ended" in page
        assert f"{at:%Y-%m-%d %H:%M:%S} UTC" in page
    notice = Notice.objects.get()
    answer = browser.post(f"{OVERVIEW}notices/{notice.pk}/dismiss/", {"next": URL})
    assert answer["Location"] == URL
    for path in (URL, OVERVIEW):
        assert "All sessions of Claude were ended" not in page_of(alice, path)
    assert "used again at" in page_of(alice, detail(consent)), "the app keeps its history"


def test_a_consent_after_the_sweep_begins_anew(client: Any, alice: Membership) -> None:
    host = Host(client).connect(alice)
    replay(host)
    host.redeem(host.code())
    consent = Consent.objects.get()
    page = page_of(alice, detail(consent))
    assert "The app was allowed anew after that." in page
    assert "Connected</span>" in page


def test_notices_of_others_are_neither_shown_nor_dismissed(
    alice: Membership, bob: Membership, mallory: Membership
) -> None:
    notice = NoticeFactory(tenant=alice.tenant, user=alice.user, title="For alice alone", link=URL)
    NoticeFactory(tenant=alice.tenant, title="Of a trunk", link="/trunks/")
    for membership in (bob, mallory):
        assert "For alice alone" not in page_of(membership)
        answer = signed_in(membership).post(f"{OVERVIEW}notices/{notice.pk}/dismiss/")
        assert answer.status_code == 404
    shown = page_of(alice)
    assert "For alice alone" in shown
    assert "Of a trunk" not in shown


def test_dismissing_leads_back_and_nowhere_else(alice: Membership) -> None:
    browser = signed_in(alice)
    path = f"{OVERVIEW}notices/{NoticeFactory(tenant=alice.tenant).pk}/dismiss/"
    for target in ("https://evil.example/", "//evil.example", "javascript:alert(1)", ""):
        assert browser.post(path, {"next": target})["Location"] == OVERVIEW
    assert browser.post(path, {"next": URL})["Location"] == URL
    assert browser.get(path).status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice.user)
    assert strict.post(path).status_code == 403


def test_the_detail_shows_what_was_asked_and_what_was_given(
    alice: Membership, bob: Membership
) -> None:
    consent = connect(
        bob,
        asked_scope="mcp.docs.read mcp.orders.draft mcp.numbers.purchase",
        scope="mcp.docs.read mcp.numbers.purchase",
    )

    page = page_of(alice, detail(consent))

    rows = page[page.index('id="scopes"') :].split("<tr>")
    by_scope = {scope: row for row in rows for scope in consent.asked_scope.split() if scope in row}
    assert "Yes</span>" in by_scope["mcp.docs.read"]
    assert ">No</span>" in by_scope["mcp.orders.draft"]
    # Given when bob was an approver; not what alice, who looks, may do.
    assert "no effect now" in by_scope["mcp.numbers.purchase"]
    assert "Needs the role approver" in by_scope["mcp.numbers.purchase"]


def test_the_detail_lists_the_last_calls_of_this_app_and_person(
    alice: Membership, bob: Membership
) -> None:
    consent = connect(alice, live=2)
    foreign = make_session(bob, consent.application, family=uuid.uuid4())
    static, _ = make_token(alice)
    tokens = AccessToken.objects.filter(user=alice.user, kind="oauth")
    for number in range(22):
        make_call(tenant_id=alice.tenant_id, token_id=tokens[number % 2].pk, outcome=ok())
    for token_id in (foreign.access_token_id, static.pk):
        make_call(tenant_id=alice.tenant_id, token_id=token_id, tool="whoami", outcome=ok())

    page = page_of(alice, detail(consent))

    assert page.count('class="lead mono" data-label="Tool"') == 20
    assert "whoami" not in page


def test_the_detail_tells_the_life_of_each_session(client: Any, alice: Membership) -> None:
    host = Host(client).connect(alice)
    first = host.tokens["refresh_token"]
    second = host.refresh(first).json()["refresh_token"]
    host.refresh(second)
    host.redeem(host.code())
    host.revoke(second)

    page = page_of(alice, detail(Consent.objects.get()))

    sessions_part = page[page.index('id="sessions"') : page.index('id="calls"')]
    assert sessions_part.count('<th scope="row"') == 2
    assert "2 times, last <time" in sessions_part
    assert sessions_part.count("Live</span>") == 1
    assert sessions_part.count("Ended</span>") == 1


def test_the_overview_shows_five_apps_beside_the_tokens(alice: Membership) -> None:
    for number in range(6):
        connect(alice, f"App {number}")
    make_token(alice, name="Laptop")

    page = page_of(alice, OVERVIEW)

    assert page.count('data-label="App"') == 5
    assert "All 6" in page
    assert "Laptop" in page
    assert "No tokens yet" not in page
    assert "7 of 5" in page, "connections"
