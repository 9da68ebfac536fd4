"""Signing in with a browser, with and without script."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from pytest_django import Settings

from cliqtel_portal.accounts.models import Membership

pytestmark = pytest.mark.browser

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def _sample_pages(settings: Settings) -> None:
    settings.ROOT_URLCONF = "tests.browser.sample_page"


def test_a_person_signs_in_by_keyboard(page: Page, alice: Membership) -> None:
    page.goto("/numbers/")
    page.get_by_label("E-mail").fill("alice@acme.example")
    page.keyboard.press("Tab")
    page.keyboard.insert_text(PASSWORD)  # as a paste does
    page.keyboard.press("Enter")

    page.wait_for_url("**/numbers/")
    expect(page.locator(".person")).to_contain_text(alice.user.display_name)


def test_a_wrong_password_is_announced_and_nothing_is_lost(page: Page, alice: Membership) -> None:
    page.goto("/account/login/")
    page.get_by_label("E-mail").fill("alice@acme.example")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()

    expect(page.get_by_role("alert")).to_contain_text("not right")
    expect(page.get_by_label("E-mail")).to_have_value("alice@acme.example")
    expect(page.get_by_label("Password")).to_have_value("")


def test_all_of_it_works_without_script(plain: Page, alice: Membership) -> None:
    plain.goto("/account/login/?next=/docs/")
    plain.get_by_label("E-mail").fill("alice@acme.example")
    plain.get_by_label("Password").fill(PASSWORD)
    plain.get_by_role("button", name="Sign in").click()
    plain.wait_for_url("**/docs/")

    plain.locator(".person summary").click()
    plain.get_by_role("button", name="Dark").click()
    expect(plain.locator("html")).to_have_attribute("data-theme", "dark")

    plain.locator(".person summary").click()
    plain.get_by_role("button", name="Sign out").click()
    plain.wait_for_url("**/account/login/")
    expect(plain.get_by_role("status")).to_contain_text("signed out")
