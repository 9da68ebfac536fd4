"""An alert in a browser: told, opened, acknowledged; and the webhook for having it on Slack."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from audit import alerts, outgoing
from cliqtel_portal.accounts.models import Membership
from tests.browser.conftest import Shots, SignIn
from tests.factories.alerts import calls
from tests.factories.mcp_access import make_token

pytestmark = pytest.mark.browser


@pytest.mark.django_db(transaction=True)
def test_an_alert_is_told_and_acknowledged(
    sign_in: SignIn, alice: Membership, shots: Shots, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outgoing, "public_addresses", lambda host, port=443: ["8.8.8.8"])
    token, _ = make_token(alice, name="Ops agent")
    calls(
        alice.tenant,
        18,
        "insufficient_scope",
        token_id=token.pk,
        token_label="Ops agent",
        scope_required="mcp.messaging.send",
    )
    calls(alice.tenant, 22, "not_found", token_id=token.pk, token_label="Ops agent")
    alerts.look()

    page = sign_in(alice)
    page.goto("/numbers/ai-access/")
    page.get_by_role("navigation").get_by_role("link", name="Alerts").first.click()
    expect(page.get_by_role("heading", name="Alerts", level=1)).to_be_visible()
    page.get_by_role("link", name="Calls beyond its scopes: Ops agent").click()
    expect(page.get_by_text("18 calls within 5 minutes were refused")).to_be_visible()
    page.get_by_role("button", name="Acknowledge").click()
    expect(page.get_by_text("Acknowledged. What comes anew is told again.")).to_be_visible()

    page.goto("/settings/alerts/")
    page.get_by_label("Webhook address").fill("https://hooks.slack.com/services/T1/B1/own-secret")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("hooks.slack.com/…cret")).to_be_visible()
    shots("alert-settings")
    page.get_by_role("link", name="Remove").click()
    page.wait_for_url("**/remove/")
    shots("alert-settings-remove")
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("Removed.")).to_be_visible()
