"""Tokens in a browser: from a template to the revoked token, and how every page looks."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from playwright.sync_api import Error as BrowserError

from cliqtel_portal.accounts.models import Membership
from mcp_access import tokens
from mcp_access.models import AccessToken
from tests.browser.conftest import Shots, SignIn

pytestmark = pytest.mark.browser

OVERVIEW = "/numbers/ai-access/"
LIST = f"{OVERVIEW}tokens/"
PASSWORD = "correct horse battery"


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


def test_the_form_leads_from_its_summary_to_each_problem(
    sign_in: SignIn, alice: Membership
) -> None:
    page = sign_in(alice)
    page.goto(f"{LIST}new/")
    field = page.get_by_label("Last day")
    expect(field).to_be_hidden()
    page.get_by_label("Other date").check()
    expect(field).to_be_visible()

    page.get_by_role("button", name="Review").click()
    page.get_by_role("alert").get_by_role("link", name="Name").click()
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    page.get_by_role("alert").get_by_role("link", name="Scopes").click()
    expect(page).to_have_url(re.compile("#id_scopes$"))
    expect(page.locator("#id_scopes")).to_be_in_viewport()


def test_a_member_sees_what_is_locked(sign_in: SignIn, bob: Membership, shots: Shots) -> None:
    page = sign_in(bob)
    page.goto(f"{LIST}new/")

    expect(page.get_by_label("Publish approved routing changes")).to_be_disabled()
    shots("new-member")
