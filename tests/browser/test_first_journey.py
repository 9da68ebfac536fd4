"""The first quarter of an hour of a new customer, on a portal that has only the demo's data."""

from __future__ import annotations

import json
import re
import subprocess

import pytest
from playwright.sync_api import Page, expect

from cliqtel_portal.accounts.models import Membership
from tests.browser.portal_server import Portal

pytestmark = pytest.mark.browser

PASSWORD = "correct horse battery"


@pytest.fixture
def live_server(portal: Portal, olivia: Membership) -> Portal:
    olivia.user.set_password(PASSWORD)
    olivia.user.save()
    return portal


def paste(lines: str) -> dict[str, object]:
    """What a shell makes of them: the structured answer of the tool."""
    done = subprocess.run(["sh", "-c", lines], check=True, capture_output=True, timeout=30)
    answer: dict[str, object] = json.loads(done.stdout)["result"]["structuredContent"]
    return answer


def test_from_signing_in_to_the_first_call_in_the_log(page: Page) -> None:
    page.goto("/")
    page.get_by_label("E-mail").fill("owner@acme.test")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Hello, Olivia")

    menu = page.get_by_role("navigation", name="Main")
    menu.get_by_role("link", name="My Numbers").click()
    page.get_by_label("Capability").select_option("SMS")
    page.get_by_role("button", name="Filter").click()
    rows = page.get_by_role("region", name="Numbers").locator("tbody tr")
    expect(page.get_by_role("status").filter(has_text="match")).to_be_visible()
    expect(rows.filter(has_not_text="SMS")).to_have_count(0)
    led = rows.filter(has=page.locator("a[href^='/callflows/']")).first
    led.get_by_role("rowheader").get_by_role("link").first.click()
    page.get_by_role("link", name="Routing").first.click()
    expect(page.get_by_role("region", name="Drawing of the call flow").first).to_be_visible()

    menu.get_by_role("link", name="Overview").click()
    page.get_by_role("link", name="New token").first.click()
    page.get_by_role("link", name="Read-only explorer").click()
    page.get_by_role("button", name="Review").click()
    page.get_by_role("button", name="Create token").click()
    row = page.locator(".first-call")
    expect(row).to_contain_text("Waiting for first call…")
    page.locator(".tile").filter(has_text="A first test").click()
    shown = page.locator("#host-curl-token-1").inner_text()
    assert page.locator("#token-text").inner_text() in shown

    told = paste(shown)
    assert "Olivia de Vries" in json.dumps(told)
    expect(page.locator(".first-call.ok")).to_contain_text("First call")
    expect(page.locator(".first-call.ok")).to_contain_text("whoami")

    paste(shown.replace("whoami", "list_inventory"))
    menu.get_by_role("link", name="Activity").click()
    calls = page.get_by_role("region", name="Calls").locator("tbody tr")
    expect(calls).to_have_count(2)
    expect(calls.first).to_contain_text("list_inventory")
    expect(calls.first).to_contain_text("mcp.inventory.read")
    expect(calls.first).to_contain_text(re.compile(r"\d+ ms"))
    expect(calls.last).to_contain_text("whoami")
    expect(calls.last).to_contain_text("no scope")
