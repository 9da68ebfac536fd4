"""The connection doctor in a browser, on a daphne whose name is its address."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from cliqtel_portal.accounts.models import Membership, Tenant
from mcp_access.models import AccessToken, OAuthAttempt
from tests.browser.conftest import Shots, SignIn
from tests.browser.portal_server import Portal
from tests.factories.mcp_access import make_token

pytestmark = pytest.mark.browser

PAGE = "/numbers/ai-access/doctor/"


@pytest.fixture
def live_server(portal: Portal, transactional_db: None) -> Portal:
    return portal


@pytest.fixture
def doctor(sign_in: SignIn, alice: Membership) -> Page:
    """Alice looks at the doctor."""
    page = sign_in(alice)
    page.goto(PAGE)
    return page


def attempt(membership: Membership | None, **fields: Any) -> OAuthAttempt:
    values: dict[str, Any] = {
        "step": "token",
        "ok": False,
        "client_name": "Claude",
        "redirect_host": "claude.ai",
        "address": "127.0.0.1",
        **fields,
    }
    if membership is not None:
        values |= {"tenant": membership.tenant, "user": membership.user}
    return OAuthAttempt.objects.create(**values)


def test_the_self_test_runs_and_shows_each_step(doctor: Page, shots: Shots) -> None:
    shots("doctor-first")
    doctor.get_by_role("button", name="Run the self-test").click()

    expect(doctor.get_by_role("region", name="Self-test")).to_contain_text("An AI host can connect")
    expect(doctor.locator(".steps li")).to_have_count(11)
    expect(doctor.locator(".steps .badge.ok")).to_have_count(11)
    shots("doctor-self-test")
    doctor.reload()
    expect(doctor.locator(".steps li")).to_have_count(11)
    assert not AccessToken.objects.exists()


def test_a_failed_step_says_what_to_change(doctor: Page, alice: Membership, shots: Shots) -> None:
    Tenant.objects.filter(pk=alice.tenant_id).update(connections=1)
    make_token(alice)
    doctor.get_by_role("button", name="Run the self-test").click()

    expect(doctor.locator(".steps .failed b").first).to_have_text("You allow it")
    expect(doctor.locator(".steps .failed")).to_contain_text("Disconnect a host")
    expect(doctor.locator(".steps .skipped")).to_have_count(4)
    shots("doctor-self-test-failed")


def test_a_watch_shows_what_comes_from_here(
    doctor: Page, alice: Membership, mallory: Membership, shots: Shots
) -> None:
    doctor.get_by_role("button", name="Watch for 15 minutes").click()
    expect(doctor.get_by_role("region", name="Watch")).to_contain_text("Watching 127.0.0.1")
    attempt(
        None,
        step="register",
        client_name="Self-made agent",
        redirect_host="",
        reason="invalid_redirect_uri",
        detail="redirect_uris[0] must be https: http is for loopback only.",
    )
    attempt(mallory, step="consent", client_name="Cursor", redirect_host="the app cursor")
    attempt(alice, ok=True, step="consent")
    attempt(alice, ok=True)
    attempt(alice, step="refresh", reason="invalid_grant", at=timezone.now() - timedelta(hours=3))
    attempt(
        alice,
        reason="invalid_client",
        client_name="A name that an app gave itself, as long as it may be " + "x" * 60,
    )
    doctor.get_by_role("link", name="Look again").click()

    rows = doctor.locator(".attempts tbody")
    expect(rows).to_contain_text("The app wants to bring people back to an address")
    expect(rows).to_contain_text("Somebody else's attempt")
    expect(rows).not_to_contain_text("mallory")
    shots("doctor-watch")
    doctor.get_by_role("link", name="Failed").click()
    expect(rows).not_to_contain_text("Cursor")
    doctor.get_by_role("button", name="Stop").click()
    expect(doctor.get_by_role("button", name="Watch for 15 minutes")).to_be_visible()


def test_older_attempts_are_reached(doctor: Page, alice: Membership, shots: Shots) -> None:
    for _ in range(30):
        attempt(alice, reason="invalid_grant")
    doctor.get_by_role("button", name="Watch for 15 minutes").click()
    doctor.get_by_role("link", name="Older").click()
    expect(doctor.get_by_role("link", name="Newest")).to_be_visible()
    shots("doctor-older")
