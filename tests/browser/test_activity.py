"""The log of calls in a browser: filtered by menu and by hand, one call beside the list."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.ids import uuid7
from tests.browser.conftest import Shots, SignIn
from tests.factories.audit import failed, make_call, ok

pytestmark = pytest.mark.browser


def test_calls_are_filtered_and_opened(
    transactional_db: None, sign_in: SignIn, alice: Membership, bob: Membership, shots: Shots
) -> None:
    now = timezone.now()
    scopes = ("mcp.inventory.read", "mcp.pricing.read", "mcp.messaging.send")
    for number in range(24):
        person = bob if number % 3 else alice
        make_call(
            at=now - timedelta(minutes=7 * number, seconds=number),
            tenant_id=person.tenant_id,
            user_id=person.user_id,
            user_label=person.user.email,
            tool=("search_numbers", "get_number_requirements", "send_message")[number % 3],
            scope_required=scopes[number % 3],
            token_label="CI deploy of the very long name that somebody gave" if number % 4 else "",
            client_label="claude-code 2.0.14 (cli)",
            address="2001:db8:85a3:1234:5678:8a2e:370:7334" if number % 2 else "192.0.2.7",
            arguments={"country": "NL", "text": "Dear Anna", "limit": 20},
            approval_id=uuid7() if number % 3 == 2 else None,
            outcome=failed("insufficient_scope") if number % 6 == 1 else ok(result={"count": 20}),
        )
    page = sign_in(alice)
    page.goto("/numbers/ai-access/")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Activity").click()
    expect(page.get_by_role("row")).to_have_count(25)

    page.get_by_text("How to write a filter").click()
    shots("activity-help")
    page.get_by_text("How to write a filter").click()
    page.locator(".menus summary", has_text="Client").click()
    shots("activity-menu")
    page.locator(".menus summary", has_text="Status").click()
    page.get_by_role("link", name="Error", exact=True).click()
    expect(page.get_by_role("searchbox", name="Filter")).to_have_value("status:error")
    expect(page.get_by_role("row")).to_have_count(5)
    page.get_by_role("searchbox", name="Filter").fill("status:error colour:red")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_role("alert")).to_contain_text("colour:red")
    expect(page.get_by_role("row")).to_have_count(5)

    page.get_by_role("region", name="Calls").get_by_role("link").first.click()
    drawer = page.get_by_role("dialog", name="The call")
    expect(drawer.get_by_role("heading", level=1)).to_have_text("get_number_requirements")
    expect(drawer).to_contain_text('"text": "[text, 9]"')
    shots("activity-drawer")
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    page.get_by_role("region", name="Calls").get_by_role("link").first.click()
    drawer.get_by_role("link", name="Open as a page").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("get_number_requirements")

    page.goto("/numbers/ai-access/activity/?q=status:running")
    expect(page.get_by_role("heading", name="No calls match")).to_be_visible()
