"""My Numbers in a browser, over the demo's data: copying, filtering, and how the pages look."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, expect

from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.numbers.models import PhoneNumber
from tests.browser.conftest import Shots, SignIn

pytestmark = pytest.mark.browser


def test_numbers_are_filtered_copied_and_looked_at(
    sign_in: SignIn, olivia: Membership, context: BrowserContext, shots: Shots
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = sign_in(olivia)
    page.goto("/numbers/")
    table = page.get_by_role("region", name="Numbers")
    assert table.evaluate("e => e.scrollWidth <= e.clientWidth"), "a laptop shows all columns"

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
    page.get_by_role("link", name="Clear filters").first.click()
    page.get_by_label("Tick +31201230900").check()
    page.get_by_text("1 number ticked: tag or connect").click()
    page.get_by_label("Tags", exact=True).fill("ticked")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text("“ticked” added to 1 number.")).to_be_visible()
    page.get_by_label("Tick all on this page").check()
    expect(page.get_by_text("26 numbers ticked: tag or connect")).to_be_visible()
    page.get_by_role("link", name="+31 20 123 0900").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("+31 20 123 0900")


def test_an_account_without_numbers(sign_in: SignIn, alice: Membership, shots: Shots) -> None:
    page = sign_in(alice)
    page.goto("/numbers/")
    expect(page.get_by_role("heading", name="No numbers yet")).to_be_visible()
    shots("numbers-empty")


def test_the_life_of_a_number_on_its_page(
    sign_in: SignIn, olivia: Membership, shots: Shots
) -> None:
    page = sign_in(olivia)
    numbers = PhoneNumber.objects.for_tenant(olivia.tenant)
    spare = numbers.get(e164="+31101230900")
    page.goto(f"/numbers/{spare.pk}/")
    page.get_by_label("Send calls to").select_option("Sales queue")
    page.get_by_role("button", name="Ask for it").click()
    page.wait_for_url("**/approvals/*/")
    page.goto(f"/numbers/{spare.pk}/")
    expect(page.get_by_text("Waits for a decision")).to_be_visible()
    shots("number-asked")

    page.get_by_role("link", name="Give up").click()
    page.get_by_label("The number, typed").fill("+31 10 123 0901")
    page.get_by_role("button", name="Ask to give it up").click()
    expect(page.get_by_role("alert")).to_contain_text("another number")
    shots("number-give-up")

    given_up = numbers.get(status="quarantine")
    page.goto(f"/numbers/{given_up.pk}/")
    shots("number-quarantine")
    page.get_by_role("button", name="Bring it back").click()
    expect(page.get_by_text("is back. Connect it again.")).to_be_visible()
