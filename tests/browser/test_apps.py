"""Connected apps in a browser: from the sweep's notice to the revoked app, and how it all looks."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from cliqtel_portal.accounts.models import Membership, Tenant
from mcp_access.models import AccessToken, Consent, RefreshToken
from tests.browser.conftest import Shots, SignIn
from tests.factories.audit import failed, make_call, ok
from tests.factories.mcp_access import make_token
from tests.factories.oauth import make_application, make_session
from tests.mcp_access.oauth.connected import OVERVIEW, URL, connect, detail, replay
from tests.mcp_access.oauth.host import Host

pytestmark = pytest.mark.browser


@pytest.fixture
def plain(browser: Browser, live_server: LiveServer) -> Iterator[Page]:
    """A page without JavaScript."""
    context = browser.new_context(base_url=live_server.url, java_script_enabled=False)
    yield context.new_page()
    context.close()


def test_a_person_sees_the_sweep_and_ends_what_is_left(sign_in: SignIn, alice: Membership) -> None:
    replay(Host(Client()).connect(alice))
    connect(alice, "Cursor", live=2)
    page = sign_in(alice)
    page.goto(OVERVIEW)
    notice = page.get_by_role("region", name="Notices")
    expect(notice).to_contain_text("All sessions of Claude were ended")
    notice.get_by_role("link", name="Open").click()
    page.wait_for_url(f"**{URL}")
    page.get_by_role("button", name=re.compile("Dismiss")).click()
    page.wait_for_url(f"**{URL}")
    expect(page.get_by_role("region", name="Notices")).to_have_count(0)

    row = page.get_by_role("row", name=re.compile("Claude"))
    expect(row).to_contain_text("Ended: token reused")
    row.get_by_text("2 read").click()
    expect(row.get_by_text("Search docs, guides and requirements")).to_be_visible()

    page.get_by_role("link", name="Revoke Cursor").click()
    expect(page.get_by_text("Its 2 sessions stop now")).to_be_visible()
    page.get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("status")).to_contain_text("Revoked “Cursor”.")
    expect(page.locator(".head .badge").first).to_have_text("Revoked")
    assert not RefreshToken.objects.filter(revoked__isnull=True).exists()


def test_all_of_it_works_without_script(plain: Page, alice: Membership, bob: Membership) -> None:
    connect(alice, "Claude")
    connect(alice, "Cursor")
    connect(bob, "VS Code")
    plain.goto(f"/account/login/?next={URL}")
    plain.get_by_label("E-mail").fill("alice@acme.example")
    plain.get_by_label("Password").fill("correct horse battery")
    plain.get_by_role("button", name="Sign in").click()

    plain.get_by_role("link", name="Revoke Claude").click()
    plain.get_by_role("button", name="Revoke").click()
    expect(plain.get_by_role("status")).to_contain_text("Revoked “Claude”.")
    plain.goto(URL)
    plain.get_by_role("link", name="Revoke all").click()
    plain.get_by_role("button", name="Revoke everybody's 2 in Acme Test").click()

    expect(plain.get_by_role("status")).to_contain_text("Revoked 2 apps.")
    assert not AccessToken.objects.filter(revoked_at__isnull=True).exists()


def _furnish(alice: Membership, bob: Membership) -> Consent:
    """Apps in every state; returns the one with the longest story."""
    now = timezone.now()
    Tenant.objects.filter(pk=alice.tenant_id).update(connections=20)
    host = Host(Client())
    host.connect(alice)
    replay(host)
    host.tokens = host.redeem(host.code()).json()
    host.refresh(host.tokens["refresh_token"])
    consent = Consent.objects.get()
    Consent.objects.filter(pk=consent.pk).update(
        first_at=now - timedelta(days=12),
        asked_scope="mcp.inventory.read mcp.docs.read mcp.orders.draft mcp.numbers.purchase",
        swept_at=now - timedelta(hours=5),
    )
    token = AccessToken.objects.filter(revoked_at__isnull=True).latest("created")
    AccessToken.objects.filter(pk=token.pk).update(
        last_used_at=now - timedelta(minutes=4),
        last_used_tool="search_numbers",
        last_used_client="claude-ai 1.3.0",
        last_used_address="2001:db8:85a3::8a2e:370:7334",
    )
    for number in range(4):
        outcome = failed("insufficient_scope") if number == 2 else ok()
        make_call(tenant_id=alice.tenant_id, token_id=token.pk, outcome=outcome)
    document = make_application("Claude Code")
    document.registration_source = "cimd"
    document.client_id = "https://claude.ai/oauth/claude-code-client-metadata"
    document.save()
    every = "mcp.inventory.read mcp.pricing.read mcp.docs.read mcp.callflows.read mcp.orders.draft"
    connect(
        bob,
        application=document,
        live=2,
        asked_scope=every,
        scope=every,
        redirect_uri="http://localhost:51823/callback",
    )
    connect(alice, "Cursor", redirect_uri="cursor://anysphere.cursor-mcp/oauth/callback")
    connect(
        alice,
        "An app with a name that is as long as people can bear and then somewhat longer",
        redirect_uri="https://global.consent.azure-apim.net/redirect/cr5f1-cliqtel-5fmcp",
    )
    connect(bob, "Old laptop", live=0, revoked_at=now - timedelta(days=3))
    connect(bob, "", live=0, last_at=now - timedelta(days=40))
    make_session(alice, consent.application, family=uuid.uuid4(), revoked=now - timedelta(days=2))
    make_token(bob, name="Nightly report")
    return consent


def test_the_pages_hold_in_light_dark_and_on_a_phone(
    sign_in: SignIn, alice: Membership, bob: Membership, shots: Shots
) -> None:
    page = sign_in(alice)
    page.goto(URL)
    shots("apps-none")
    consent = _furnish(alice, bob)
    page.goto(OVERVIEW)
    shots("apps-overview")
    page.get_by_role("radio", name="Claude Code").check()
    page.get_by_role("radio", name="With a token").locator("visible=true").check()
    shots("apps-overview-host")
    page.goto(URL)
    page.get_by_role("row", name=re.compile("Claude Code")).get_by_text("4 read, 1 write").click()
    shots("apps")
    edges = page.evaluate(
        "['main table', 'main .head'].map(e => document.querySelector(e).getBoundingClientRect())"
        ".map(box => Math.round(box.right))"
    )
    assert edges[0] == edges[1], "the table keeps to the column"
    page.goto(detail(consent))
    shots("apps-detail")
    page.goto(f"{detail(consent)}revoke/")
    shots("apps-revoke")
    page.goto(f"{URL}revoke-all/")
    shots("apps-revoke-all")


@pytest.mark.parametrize("width", [1280, 390])
def test_targets_are_large_enough(
    sign_in: SignIn, alice: Membership, bob: Membership, width: int
) -> None:
    consent = _furnish(alice, bob)
    page = sign_in(alice)
    page.set_viewport_size({"width": width, "height": 800})
    small: dict[str, Any] = {}
    for path in (OVERVIEW, URL, detail(consent), f"{detail(consent)}revoke/"):
        page.goto(path)
        # WCAG 2.5.8: 24 px; links in a sentence are exempt.
        small[path] = page.evaluate(
            """() => [...document.querySelectorAll('main :is(a, button, input, select, summary)')]
            .filter(e => e.checkVisibility() && !e.closest('p, label'))
            .filter(e => { const b = e.getBoundingClientRect();
                           return b.width && (b.width < 24 || b.height < 24) })
            .map(e => e.outerHTML.slice(0, 80))"""
        )
    assert {path: found for path, found in small.items() if found} == {}
