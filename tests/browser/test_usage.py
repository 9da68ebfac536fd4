"""The Usage page in a browser, also without JavaScript."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from audit.models import DailyUsage, MonthlyUsage
from cliqtel_portal.accounts.models import Membership, Tenant
from tests.browser.conftest import Shots, SignIn
from tests.factories.audit import make_call, ok
from tests.factories.billing import UsageStatementFactory
from tests.factories.mcp_access import make_token

pytestmark = pytest.mark.browser

PAGE = "/numbers/ai-access/usage/"
TOOLS = (
    "search_numbers",
    "list_inventory",
    "get_number_requirements",
    "get_pricing",
    "whoami",
    "search_docs",
    "send_message",
)


def use(membership: Membership, calls: int) -> None:
    """Some weeks of use by two tokens; the same each time."""
    chance = random.Random(5)
    today = timezone.now().date()
    sources = [make_token(membership, name=name)[0] for name in ("Laptop", "CI of the night shift")]
    DailyUsage.objects.bulk_create(
        DailyUsage(
            tenant_id=membership.tenant_id,
            day=today - timedelta(days=gap),
            tool=tool,
            source_id=sources[number % 2].pk,
            calls=(count := chance.randrange(900 // (number + 1) + 2)),
            errors=count // 40,
            refused=count // 300,
        )
        for gap in range(60)
        for number, tool in enumerate(TOOLS)
    )
    month = today.replace(day=1)
    MonthlyUsage.objects.create(tenant_id=membership.tenant_id, month=month, calls=calls)
    for gap in (1, 2):
        closed = (month - timedelta(days=28 * gap)).replace(day=1)
        UsageStatementFactory(tenant=membership.tenant, month=closed)
    Tenant.objects.update(created_at=timezone.now() - timedelta(days=70))
    for _ in range(17):
        make_call(
            tenant_id=membership.tenant_id,
            user_id=membership.user_id,
            token_id=sources[0].pk,
            outcome=ok(),
        )


def test_usage_is_read_filtered_and_leafed_through(
    transactional_db: None, sign_in: SignIn, alice: Membership, shots: Shots
) -> None:
    page = sign_in(alice)
    page.goto(PAGE)
    expect(page.get_by_text("No calls from")).to_be_visible()

    use(alice, 108_400)
    page.goto("/numbers/ai-access/")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Usage").click()
    expect(page.locator(".card p").first).to_have_text("108,417 of 100,000")
    expect(page.get_by_role("img", name="Calls by day and tool")).to_be_visible()
    page.get_by_text("The same as a table").click()
    shots("usage-table")
    page.get_by_role("navigation", name="Month").get_by_role("link").first.click()
    last_month = timezone.now().date().replace(day=1) - timedelta(days=1)
    heading = page.get_by_role("heading", name=f"Calls in {last_month:%B %Y}")
    expect(heading).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download CSV").first.click()
    assert download.value.suggested_filename == f"ai-usage-{last_month:%Y-%m}.csv"


def test_it_works_without_javascript(
    transactional_db: None,
    browser: Browser,
    live_server: LiveServer,
    sign_in: SignIn,
    alice: Membership,
) -> None:
    cookies = sign_in(alice).context.cookies()
    use(alice, 10)
    context = browser.new_context(base_url=live_server.url, java_script_enabled=False)
    context.add_cookies(
        [{k: one[k] for k in ("name", "value", "domain", "path")} for one in cookies]
    )
    page = context.new_page()
    page.goto(PAGE)
    page.get_by_label("Token or app").select_option(label=_option(page, "Laptop"))
    page.get_by_role("button", name="Show").click()
    expect(page.locator("option[selected]")).to_contain_text("Laptop")
    page.get_by_text("The same as a table").click()
    rows = page.get_by_role("region", name="Calls by day and tool").get_by_role("row")
    expect(rows).to_have_count(timezone.now().date().day + 1)
    context.close()


def _option(page, name: str) -> str:
    return next(text for text in page.locator("#by option").all_inner_texts() if name in text)
