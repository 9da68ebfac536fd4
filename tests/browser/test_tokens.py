"""Tokens in a browser: from a template to the revoked token, and how every page looks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Page, expect
from playwright.sync_api import Error as BrowserError
from pytest_django.live_server_helper import LiveServer

from cliqtel_portal.accounts.models import Membership, Tenant
from mcp_access import tokens
from mcp_access.models import AccessToken
from mcp_access.pipeline import execute_tool_call_sync
from tests.browser.conftest import Shots, SignIn
from tests.factories.mcp_access import make_token, principal_of

pytestmark = pytest.mark.browser

OVERVIEW = "/numbers/ai-access/"
LIST = f"{OVERVIEW}tokens/"
PASSWORD = "correct horse battery"


@pytest.fixture
def plain(browser: Browser, live_server: LiveServer) -> Iterator[Page]:
    """A page without JavaScript."""
    context = browser.new_context(base_url=live_server.url, java_script_enabled=False)
    yield context.new_page()
    context.close()


def make_by_template(page: Page, template: str) -> str:
    """Through form and review. The text on the panel."""
    page.goto(f"{LIST}new/")
    page.get_by_role("link", name=template).click()
    page.get_by_role("button", name="Review").click()
    page.get_by_role("button", name="Create token").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Token created: {template}")
    return page.locator("#token-text").inner_text()


def test_a_token_from_template_to_revocation(
    sign_in: SignIn, alice: Membership, context: BrowserContext
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = sign_in(alice)
    page.goto(OVERVIEW)
    expect(page.get_by_text("No tokens yet")).to_be_visible()

    text = make_by_template(page, "Ordering assistant")
    token = AccessToken.objects.get(token_checksum=tokens.digest(text))
    assert "mcp.orders.draft" in token.scope
    page.get_by_role("button", name="Copy").first.click()
    expect(page.locator("[data-announce]")).to_have_text("Copied to the clipboard")
    assert page.evaluate("navigator.clipboard.readText()") == text
    page.get_by_role("radio", name="Copilot Studio").check()
    expect(page.locator("#host-copilot-studio-token-2")).to_have_text(f"Bearer {text}")

    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ordering assistant")
    assert text not in page.content()

    page.goto(LIST)
    row = page.get_by_role("row", name=re.compile("Ordering assistant"))
    expect(row).to_contain_text("Active")
    expect(row).to_contain_text(f"ct_mcp_…{text[-4:]}")
    assert text not in page.content()

    page.get_by_role("link", name="Ordering assistant", exact=True).click()
    page.get_by_role("link", name="Revoke").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Revoke “Ordering assistant”?")
    dialog.get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("status")).to_contain_text("Revoked “Ordering assistant”.")
    expect(page.locator(".head .badge")).to_have_text("Revoked")
    token.refresh_from_db()
    assert token.revoked_by == alice.user


def test_all_of_it_works_without_script(plain: Page, alice: Membership) -> None:
    plain.goto(f"/account/login/?next={LIST}new/")
    plain.get_by_label("E-mail").fill("alice@acme.example")
    plain.get_by_label("Password").fill(PASSWORD)
    plain.get_by_role("button", name="Sign in").click()

    text = make_by_template(plain, "Read-only explorer")
    plain.get_by_role("link", name="Done").click()
    plain.get_by_label("The old token works for another").select_option("0")
    plain.get_by_role("button", name="Rotate").click()
    successor = plain.locator("#token-text").inner_text()
    assert successor != text
    plain.get_by_role("link", name="Done").click()
    plain.get_by_role("link", name="Revoke").click()
    expect(plain.get_by_role("heading", level=1)).to_have_text("Revoke “Read-only explorer”?")
    plain.get_by_role("button", name="Revoke").click()

    expect(plain.get_by_role("status")).to_contain_text("Revoked")
    assert not AccessToken.objects.live().exists()


def test_back_does_not_show_the_text_again(sign_in: SignIn, alice: Membership) -> None:
    page = sign_in(alice)
    text = make_by_template(page, "Read-only explorer")
    page.get_by_role("link", name="Done").click()
    # The browser kept nothing, and asks before it posts again.
    with pytest.raises(BrowserError, match="ERR_CACHE_MISS"):
        page.go_back()

    expect(page.locator("#token-text")).to_have_count(0)
    expect(page.locator("body")).not_to_contain_text(text)


def test_a_double_click_makes_one_token_and_shows_it(sign_in: SignIn, alice: Membership) -> None:
    page = sign_in(alice)
    page.goto(f"{LIST}new/?template=explorer")
    page.get_by_role("button", name="Review").click()
    page.get_by_role("button", name="Create token").dblclick()

    text = page.locator("#token-text").inner_text()
    assert AccessToken.objects.get().token_checksum == tokens.digest(text)


def test_the_other_date_shows_when_it_is_asked_for(sign_in: SignIn, alice: Membership) -> None:
    page = sign_in(alice)
    page.goto(f"{LIST}new/")
    field = page.get_by_label("Last day")
    expect(field).to_be_hidden()
    page.get_by_label("Other date").check()

    expect(field).to_be_visible()


def test_the_first_problem_can_be_reached_from_the_summary(
    sign_in: SignIn, alice: Membership
) -> None:
    page = sign_in(alice)
    page.goto(f"{LIST}new/")
    page.get_by_role("button", name="Review").click()
    page.get_by_role("alert").get_by_role("link", name="Name").click()
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    page.get_by_role("alert").get_by_role("link", name="Scopes").click()

    assert page.evaluate("location.hash") == "#id_scopes"
    expect(page.locator("#id_scopes")).to_be_in_viewport()


def test_the_pages_hold_in_light_dark_and_on_a_phone(
    sign_in: SignIn, alice: Membership, bob: Membership, shots: Shots
) -> None:
    page = sign_in(alice)
    page.goto(OVERVIEW)
    shots("overview-first")

    now = timezone.now()
    Tenant.objects.filter(pk=alice.tenant_id).update(connections=20)
    principal = principal_of(alice)
    for query in ("porting", "sms", "emergency"):
        execute_tool_call_sync(principal, "search_docs", {"query": query})
    execute_tool_call_sync(principal, "whoami", {})
    AccessToken.objects.filter(pk=principal.token_id).update(
        name="Ops agent",
        note="Nightly inventory, ask Bob",
        allowed_cidrs=["192.0.2.0/24", "2001:db8::/32"],
        scope="mcp.docs.read mcp.inventory.read mcp.orders.draft mcp.numbers.purchase",
        last_used_at=now - timedelta(minutes=4),
        last_used_tool="search_docs",
        last_used_client="claude-code 2.1.7",
        last_used_address="192.0.2.7",
    )
    make_token(bob, name="Copilot Studio", expires=now + timedelta(days=6))
    make_token(alice, name="Old laptop", revoked_at=now, revoked_by=bob.user)
    make_token(alice, name="A name that is as long as the form lets it be, and that has to break")
    make_token(bob, name="From Monday on", not_before=now + timedelta(days=2))
    make_token(bob, name="Last year's", expires=now - timedelta(days=40))
    page.goto(OVERVIEW)
    shots("overview")
    page.get_by_role("radio", name="Claude Code").check()
    shots("overview-host")
    page.goto(LIST)
    shots("tokens")
    page.goto(f"{LIST}{principal.token_id}/")
    shots("token")
    page.goto(f"{LIST}{principal.token_id}/revoke/")
    shots("revoke")
    page.goto(f"{LIST}new/?template=ordering")
    shots("new")
    page.get_by_role("button", name="Review").click()
    expect(page.get_by_role("button", name="Create token")).to_be_visible()
    shots("review")
    page.get_by_role("button", name="Create token").click()
    expect(page.get_by_role("heading", name="Copy it now")).to_be_visible()
    shots("created")
    page.goto(f"{LIST}new/")
    page.get_by_text("Addresses, limit, start").click()
    page.get_by_label("Allowed addresses").fill("10.0.0.0/33")
    page.get_by_label("Other date").check()
    page.get_by_role("button", name="Review").click()
    expect(page.get_by_role("alert")).to_be_visible()
    shots("problems")
    Tenant.objects.filter(pk=alice.tenant_id).update(connections=2)
    page.goto(f"{LIST}new/")
    shots("limit")


@pytest.mark.parametrize("width", [1280, 390])
def test_controls_are_large_enough_to_hit(sign_in: SignIn, alice: Membership, width: int) -> None:
    token, _ = make_token(alice, name="x")
    page = sign_in(alice)
    page.set_viewport_size({"width": width, "height": 800})
    for path in (OVERVIEW, LIST, f"{LIST}new/", f"{LIST}{token.pk}/", f"{LIST}{token.pk}/revoke/"):
        page.goto(path)
        # WCAG 2.5.8: 24 px; links in a sentence are exempt, a label counts with its box.
        too_small = page.evaluate(
            """() => [...document.querySelectorAll('main :is(a, button, input, select, summary)')]
            .filter(e => e.checkVisibility() && !e.closest('p, label'))
            .filter(e => { const b = e.getBoundingClientRect();
                           return b.width && (b.width < 24 || b.height < 24) })
            .map(e => e.outerHTML.slice(0, 80))"""
        )
        assert too_small == [], path


def test_a_member_sees_what_is_locked(sign_in: SignIn, bob: Membership, shots: Shots) -> None:
    page = sign_in(bob)
    page.goto(f"{LIST}new/")

    expect(page.get_by_label("Publish approved routing changes")).to_be_disabled()
    shots("new-member")
