"""The shell of every page, on a page with every component."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import BrowserContext, expect
from pytest_django import Settings

from cliqtel_portal.accounts.models import Membership
from tests.browser.conftest import Shots, SignIn
from tests.browser.eye import problems_of
from tests.factories.accounts import MembershipFactory

pytestmark = pytest.mark.browser


@pytest.fixture(autouse=True)
def _sample_pages(settings: Settings) -> None:
    settings.ROOT_URLCONF = "tests.browser.sample_page"


@pytest.fixture
def in_two(alice: Membership) -> Membership:
    """Alice is a member of a second account."""
    MembershipFactory(user=alice.user, tenant__slug="zeta", tenant__name="Zeta BV", role="member")
    return alice


def test_the_page_holds_in_light_dark_and_on_a_phone(
    sign_in: SignIn, in_two: Membership, shots: Shots
) -> None:
    page = sign_in(in_two)
    page.goto("/numbers/ai-access/")
    shots("shell")

    # The eye is open: what is wrong is seen.
    page.evaluate("""() => {
      document.querySelector('h1').style.color = '#999';
      document.querySelector('main').setAttribute('role', 'nobody');
      document.querySelector('main').style.minWidth = '1500px';
    }""")
    told = "\n".join(problems_of(page, "broken"))
    for wrong in (
        "broken, light: color-contrast: <h1",
        "broken, phone: aria-roles: <main",
        "px wide on a screen of 390 px",
        "too faint: 2.68",
    ):
        assert wrong in told


def test_the_account_is_switched_where_one_is(sign_in: SignIn, in_two: Membership) -> None:
    page = sign_in(in_two)
    page.goto("/numbers/ai-access/tokens/")
    current = page.locator("nav[aria-label=Main] [aria-current]")
    expect(current).to_have_count(1)
    expect(current).to_have_text("Tokens")

    page.goto("/trunks/")
    page.locator(".switcher summary").click()
    page.get_by_role("button", name="Zeta BV").click()
    expect(page.locator(".switcher summary")).to_contain_text("Zeta BV")
    expect(page).to_have_url(re.compile("/trunks/$"))


def test_the_theme_changes_at_once_and_stays(sign_in: SignIn, alice: Membership) -> None:
    page = sign_in(alice)
    page.goto("/numbers/")
    page.locator(".person summary").click()
    with page.expect_response("**/account/theme/"):
        page.get_by_role("button", name="Dark").click()

    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.locator("body")).to_have_css("background-color", "rgb(15, 20, 25)")


def test_keys_and_clicks_do_what_they_say(
    sign_in: SignIn, alice: Membership, context: BrowserContext
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = sign_in(alice)
    page.goto("/numbers/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()

    # Copying copies, and says so.
    page.get_by_role("button", name="Copy").click()
    expect(page.locator("[data-announce]")).to_have_text("Copied to the clipboard")
    token = page.locator("#token").text_content()
    assert page.evaluate("navigator.clipboard.readText()") == token

    # The question opens, closes, and gives the focus back.
    opener = page.get_by_role("link", name="Revoke").first
    opener.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(opener).to_be_focused()

    # So does a menu.
    summary = page.locator(".person summary")
    summary.click()
    page.keyboard.press("Escape")
    expect(page.locator(".person .panel")).to_be_hidden()
    expect(summary).to_be_focused()
