"""My Numbers in a browser, over the demo's data: copying, filtering, and how the pages look."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from playwright.sync_api import BrowserContext, expect

from cliqtel_portal.accounts.models import Membership
from tests.browser.conftest import Shots, SignIn

pytestmark = pytest.mark.browser


@pytest.fixture
def olivia(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Membership:
    """Owner of the demo's acme, which has numbers of every kind."""
    monkeypatch.setenv("CLIQTEL_DEMO_PASSWORD", "correct horse battery")
    call_command("demo", verbosity=0)
    return Membership.objects.get(user__email="owner@acme.test")


def test_numbers_are_filtered_copied_and_looked_at(
    sign_in: SignIn, olivia: Membership, context: BrowserContext, shots: Shots
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = sign_in(olivia)
    page.goto("/numbers/")
    table = page.get_by_role("region", name="Numbers")
    assert table.evaluate("e => e.scrollWidth <= e.clientWidth"), "a laptop shows all columns"
    shots("numbers")

    page.get_by_label("Digits").fill("020 123 0900")
    page.get_by_label("Status").select_option("Active")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_role("status").filter(has_text="match")).to_have_text("1 number matches.")
    page.get_by_role("button", name="Copy +31201230900").click()
    expect(page.get_by_role("button", name="Copy +31201230900")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == "+31201230900"
    shots("numbers-filtered")

    page.get_by_label("Capability").select_option("WhatsApp")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_role("heading", name="No number matches")).to_be_visible()
    shots("numbers-none")
    page.get_by_role("link", name="Clear filters").first.click()
    page.get_by_role("link", name="+31 20 123 0900").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("+31 20 123 0900")
    shots("number")


def test_an_account_without_numbers(sign_in: SignIn, alice: Membership, shots: Shots) -> None:
    page = sign_in(alice)
    page.goto("/numbers/")
    expect(page.get_by_role("heading", name="No numbers yet")).to_be_visible()
    shots("numbers-empty")
