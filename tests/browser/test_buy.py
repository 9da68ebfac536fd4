"""The Buy page in a browser, over the demo's data: searching, holding, ordering."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from approvals.models import Approval
from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.numbers.models import Reservation
from tests.browser.conftest import Shots, SignIn

pytestmark = pytest.mark.browser


def test_numbers_are_found_held_and_ordered(
    sign_in: SignIn, olivia: Membership, shots: Shots
) -> None:
    page = sign_in(olivia)
    page.goto("/numbers/")
    page.get_by_role("link", name="Buy numbers").click()
    expect(page.get_by_role("heading", name="Where do you need a number?")).to_be_visible()

    page.get_by_role("link", name="Netherlands").click()
    table = page.get_by_role("region", name="Numbers in stock")
    assert table.evaluate("e => e.scrollWidth <= e.clientWidth"), "a laptop shows all columns"
    boxes = table.get_by_role("checkbox")
    boxes.nth(0).check()
    boxes.nth(1).check()
    expect(page.get_by_text("2 numbers chosen:")).to_be_visible()
    page.get_by_role("button", name="Reserve", exact=True).click()
    expect(page.get_by_text("2 numbers are held for you for 15 minutes.")).to_be_visible()
    assert Reservation.objects.for_tenant(olivia.tenant).filter(order=None).count() == 2
    shots("buy-held")

    page.get_by_role("button", name="Release +").first.click()
    expect(page.get_by_text("is free for others again.")).to_be_visible()
    page.get_by_label("Connect what you order to").select_option(index=1)
    page.get_by_role("button", name="Order", exact=True).click()
    page.wait_for_url("**/approvals/*/")
    approval = Approval.objects.for_tenant(olivia.tenant).get(action="purchase_number")
    assert len(approval.arguments["numbers"]) == 1
    assert str(approval.pk) in page.url

    page.goto("/numbers/search/?country=NL&in_a_row=4")
    expect(page.get_by_text("4 in a row from").first).to_be_visible()
    page.goto("/numbers/search/?country=NL&digits=999999&where=ends_with&capabilities=sms")
    expect(page.get_by_role("heading", name="Nothing found")).to_be_visible()
    shots("buy-nothing")
    page.goto("/numbers/search/?country=NL&digits=%3F%3F")
    expect(page.get_by_role("heading", name="The search is not clear")).to_be_visible()
