"""The set-up of a phone system in a browser: chosen, corrected, copied, and how it looks."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, expect

from cliqtel_portal.accounts.models import Membership
from tests.browser.conftest import Shots, SignIn
from tests.factories.numbers import PhoneNumberFactory
from tests.factories.trunks import TrunkFactory

pytestmark = pytest.mark.browser


def test_a_setup_is_generated_and_copied(
    sign_in: SignIn, bob: Membership, context: BrowserContext, shots: Shots
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    trunk = TrunkFactory(tenant=bob.tenant, name="Amsterdam HQ", registered=True, srtp="optional")
    PhoneNumberFactory(tenant=bob.tenant, trunk=trunk, e164="+31201230900")
    page = sign_in(bob)
    page.goto(f"/trunks/{trunk.pk}/")

    page.get_by_label("Phone system", exact=True).select_option("Microsoft Teams, Direct Routing")
    page.get_by_label("SBC host name").fill("sbc.contoso.onmicrosoft.com")
    page.get_by_role("button", name="Generate PBX setup").click()
    expect(page.get_by_role("alert")).to_contain_text("Teams refuses names under onmicrosoft.com")
    shots("trunk-setup-refused")

    page.get_by_label("SBC host name").fill("sbc1.example.com")
    page.get_by_role("button", name="Generate PBX setup").click()
    expect(page.get_by_role("heading", name="cliqtel-teams.ps1")).to_be_visible()
    shots("trunk-setup-teams")

    page.get_by_label("Phone system", exact=True).select_option("Asterisk 18 and later, PJSIP")
    page.get_by_role("button", name="Generate PBX setup").click()
    page.get_by_role("button", name="Copy pjsip.conf").click()
    expect(page.get_by_role("button", name="Copy pjsip.conf")).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert f"username={trunk.username}" in copied
    with page.expect_download() as download:
        page.get_by_role("link", name="Download pjsip.conf").click()
    assert download.value.suggested_filename == "pjsip.conf"
    assert download.value.path().read_text().strip() == copied
    shots("trunk-setup-asterisk")
