"""The first page in a browser: as a new account, in use, and as a viewer sees it."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from cliqtel_portal.accounts.models import Membership
from mcp_access.models import AccessToken
from mcp_access.pipeline import execute_tool_call_sync
from tests.browser.conftest import Shots, SignIn
from tests.factories.mcp_access import principal_of

pytestmark = pytest.mark.browser


def test_home_leads_on(sign_in: SignIn, alice: Membership) -> None:
    page = sign_in(alice)
    page.goto("/")
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Hello, {alice.user.name}")
    page.get_by_role("link", name="Connect an AI host").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("AI Access")


def test_home_of_an_account_in_use(sign_in: SignIn, olivia: Membership) -> None:
    principal = principal_of(olivia)
    for query in ("porting", "sms", "emergency"):
        execute_tool_call_sync(principal, "search_docs", {"query": query})
    execute_tool_call_sync(principal, "whoami", {})
    AccessToken.objects.filter(pk=principal.token_id).update(last_used_at=olivia.created_at)
    page = sign_in(olivia)
    page.goto("/")
    expect(page.get_by_text("First call made")).to_be_visible()
    page.get_by_role("link", name="not connected").click()
    expect(page.get_by_role("status").filter(has_text="match")).to_have_text("1 number matches.")


def test_home_of_a_viewer(sign_in: SignIn, bob: Membership, shots: Shots) -> None:
    Membership.objects.filter(pk=bob.pk).update(role="viewer")
    page = sign_in(bob)
    page.goto("/")
    expect(page.get_by_role("heading", name="Your account")).to_be_visible()
    shots("home-viewer")
