"""Connected apps in a browser: from the sweep's notice to the revoked app, and how it all looks."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from playwright.sync_api import Page, expect

from cliqtel_portal.accounts.models import Membership
from mcp_access.models import AccessToken, RefreshToken
from tests.browser.conftest import SignIn
from tests.mcp_access.oauth.connected import OVERVIEW, URL, connect, replay
from tests.mcp_access.oauth.host import Host

pytestmark = pytest.mark.browser


def test_a_person_sees_the_sweep_and_ends_what_is_left(sign_in: SignIn, alice: Membership) -> None:
    replay(Host(Client()).connect(alice))
    connect(alice, "Cursor", live=2)
    page = sign_in(alice)
    page.goto(OVERVIEW)
    notice = page.get_by_role("region", name="Notices")
    expect(notice).to_contain_text("All sessions of Claude were ended")
    notice.get_by_role("link", name="Open").click()
    page.wait_for_url(f"**{URL}")
    page.get_by_role("button", name=re.compile("Dismiss")).click()
    page.wait_for_url(f"**{URL}")
    expect(page.get_by_role("region", name="Notices")).to_have_count(0)

    row = page.get_by_role("row", name=re.compile("Claude"))
    expect(row).to_contain_text("Ended: token reused")
    row.get_by_text("2 read").click()
    expect(row.get_by_text("Search docs, guides and requirements")).to_be_visible()

    page.get_by_role("link", name="Revoke Cursor").click()
    expect(page.get_by_text("Its 2 sessions stop now")).to_be_visible()
    page.get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("status")).to_contain_text("Revoked “Cursor”.")
    expect(page.locator(".head .badge").first).to_have_text("Revoked")
    assert not RefreshToken.objects.filter(revoked__isnull=True).exists()


def test_all_of_it_works_without_script(plain: Page, alice: Membership, bob: Membership) -> None:
    connect(alice, "Claude")
    connect(alice, "Cursor")
    connect(bob, "VS Code")
    plain.goto(f"/account/login/?next={URL}")
    plain.get_by_label("E-mail").fill("alice@acme.example")
    plain.get_by_label("Password").fill("correct horse battery")
    plain.get_by_role("button", name="Sign in").click()

    plain.get_by_role("link", name="Revoke Claude").click()
    plain.get_by_role("button", name="Revoke").click()
    expect(plain.get_by_role("status")).to_contain_text("Revoked “Claude”.")
    plain.goto(URL)
    plain.get_by_role("link", name="Revoke all").click()
    plain.get_by_role("button", name="Revoke everybody's 2 in Acme Test").click()

    expect(plain.get_by_role("status")).to_contain_text("Revoked 2 apps.")
    assert not AccessToken.objects.filter(revoked_at__isnull=True).exists()
