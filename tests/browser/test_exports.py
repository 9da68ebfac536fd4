"""What a filter shows is taken out as a file, by a person and by staff."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from playwright.sync_api import Download, expect

from cliqtel_portal.accounts.models import Membership
from tests.browser.conftest import SignIn
from tests.factories.audit import failed, make_call, ok

pytestmark = [
    pytest.mark.browser,
    # The test's server is synchronous: Django collects the stream for it. Daphne gets it as it is.
    pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume asynchronous"),
]


def _ids(download: Download) -> set[str]:
    with Path(download.path()).open(newline="") as file:
        return {row["id"] for row in csv.DictReader(file)}


def test_activity_and_admin_export_what_their_filters_show(
    transactional_db: None, sign_in: SignIn, alice: Membership, settings, tmp_path: Path
) -> None:
    settings.EXPORT_DIR = tmp_path
    calls = [
        make_call(
            tenant_id=alice.tenant_id,
            user_id=alice.user_id,
            outcome=failed("not_found") if number % 2 else ok(),
        )
        for number in range(5)
    ]
    wrong = {str(call.pk) for call in calls[1::2]}
    alice.user.is_staff = alice.user.is_superuser = True
    alice.user.save()
    page = sign_in(alice)
    page.goto("/numbers/ai-access/activity/?q=status:error")
    with page.expect_download() as taken:
        page.get_by_role("button", name="CSV").click()
    assert _ids(taken.value) == wrong

    page.get_by_role("button", name="Excel").click()
    expect(page.get_by_role("heading", name="Exports", level=1)).to_be_visible()
    page.goto("/numbers/ai-access/activity/")
    expect(page.get_by_text("Your export is ready: 2 calls as XLSX")).to_be_visible()
    page.get_by_role("link", name="Open", exact=True).click()
    expect(page.get_by_role("link", name="Download the XLSX")).to_be_visible()

    page.goto("/admin/audit/toolcall/?status__exact=error")
    page.get_by_label("Action:").select_option("export_filtered")
    with page.expect_download() as taken:
        page.get_by_role("button", name="Go").click()
    assert _ids(taken.value) == wrong
