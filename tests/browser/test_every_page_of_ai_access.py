"""AI Access and approvals, as the eye sees them: each page, and what no address leads to."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from cliqtel_portal.accounts.models import Membership, Tenant
from tests.browser.conftest import SignIn
from tests.browser.eye import Walk
from tests.browser.pages import AI_ACCESS, APPROVALS, DECIDED
from tests.browser.world import World
from tests.factories.mcp_access import make_token

pytestmark = pytest.mark.browser


def test_every_page_of_ai_access_and_approvals_holds(sign_in: SignIn, world: World) -> None:
    page = sign_in(world.owner)
    walk = Walk(page, world.ids)
    walk.to(*APPROVALS, *AI_ACCESS)
    walk.to(*DECIDED, are_states=True)
    page.goto("/numbers/ai-access/apps/")
    page.get_by_role("row", name=re.compile("Claude Code")).get_by_text("4 read, 1 write").click()
    walk.look("an app's scopes")
    right = page.evaluate(
        "['main table', 'main .head'].map(e => document.querySelector(e).getBoundingClientRect())"
        ".map(box => Math.round(box.right))"
    )
    assert right[0] == right[1], "the table keeps to the column"
    walk.end()


def test_the_way_to_a_token_holds(sign_in: SignIn, alice: Membership) -> None:
    page = sign_in(alice)
    walk = Walk(page, {})
    page.goto("/numbers/ai-access/tokens/new/?template=ordering")
    page.get_by_role("button", name="Review").click()
    expect(page.get_by_role("button", name="Create token")).to_be_visible()
    walk.look("the review")
    page.get_by_role("button", name="Create token").click()
    expect(page.get_by_role("heading", name="Copy it now")).to_be_visible()
    walk.look("the new token")
    page.get_by_role("link", name="Done").click()
    page.get_by_role("link", name="Revoke").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    walk.look("the question")
    page.goto("/numbers/ai-access/tokens/new/")
    page.get_by_text("Addresses, limit, start").click()
    page.get_by_label("Allowed addresses").fill("10.0.0.0/33")
    page.get_by_label("Other date").check()
    page.get_by_role("button", name="Review").click()
    expect(page.get_by_role("alert")).to_be_visible()
    walk.look("the problems")
    make_token(alice)
    Tenant.objects.filter(pk=alice.tenant_id).update(connections=2)
    walk.to("/numbers/ai-access/tokens/new/")
    walk.end()
