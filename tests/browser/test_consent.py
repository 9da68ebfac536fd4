"""The consent page as a person meets it: in a popup, by keyboard, on a phone, without script."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from playwright.sync_api import BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from cliqtel_portal.accounts.models import Membership
from mcp_access.models import Consent, Grant
from tests.browser.conftest import SignIn
from tests.factories.accounts import MembershipFactory, TenantFactory
from tests.factories.mcp_access import make_token
from tests.mcp_access.oauth.host import Host

pytestmark = pytest.mark.browser

PASSWORD = "correct horse battery"
EVERYTHING = "mcp.inventory.read mcp.docs.read mcp.orders.draft mcp.numbers.purchase"


@pytest.fixture
def host(live_server: LiveServer) -> Host:
    """Its callback is another origin than the portal's, and on this machine all the same."""
    callback = f"{live_server.url.replace('localhost', '127.0.0.1')}/healthz"
    made = Host(Client(), redirect_uri=callback)
    made.register()
    return made


@pytest.fixture
def claude(live_server: LiveServer) -> Host:
    """As the most used host looks. Nobody is ever sent to its callback here."""
    made = Host(Client())
    made.register()
    return made


def returned(page: Page) -> dict[str, list[str]]:
    """What the host was told."""
    page.wait_for_url("http://127.0.0.1:*/healthz?**")
    return parse_qs(urlsplit(page.url).query)


def enter(page: Page, email: str) -> None:
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def test_signing_in_leads_to_the_question_and_the_answer_to_the_host(
    page: Page, host: Host, alice: Membership
) -> None:
    page.goto(host.url())
    enter(page, "alice@acme.example")
    expect(page.get_by_role("heading", level=1)).to_have_text("Allow Claude to use Acme Test?")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    page.get_by_label("Search docs").uncheck()
    page.get_by_role("button", name="Allow").click()
    told = returned(page)
    assert told["state"] == [host.state]
    assert "code" in told
    assert Consent.objects.get().scope == "mcp.inventory.read"


def test_what_needs_no_answer_reaches_the_host_right_after_signing_in(
    page: Page, host: Host, mallory: Membership
) -> None:
    """A Content-Security-Policy of the sign-in form would stop the redirect that follows it."""
    mallory.tenant.tier = "discover"
    mallory.tenant.save()
    page.goto(host.url(scope="mcp.orders.draft"))
    enter(page, "mallory@malice.example")
    assert returned(page)["error"] == ["access_denied"]


def test_cancel_tells_the_host(sign_in: SignIn, host: Host, alice: Membership) -> None:
    page = sign_in(alice)
    page.goto(host.url())
    page.get_by_role("button", name="Cancel").click()
    assert returned(page)["error"] == ["access_denied"]
    assert not Consent.objects.exists()


def test_the_page_is_answered_by_keyboard_alone(
    sign_in: SignIn, host: Host, alice: Membership
) -> None:
    page = sign_in(alice)
    page.goto(host.url())
    names = []
    for _ in range(12):
        page.keyboard.press("Tab")
        names.append(
            page.evaluate("document.activeElement.innerText || document.activeElement.name")
        )
        if names[-1] == "Allow":
            break
    assert [name.split("\n")[0] for name in names] == [
        "Not you?",
        "scope",
        "scope",
        "Revoke it at any time on Connected apps",
        "Cancel",
        "Allow",
    ]
    page.keyboard.press("Enter")
    assert "code" in returned(page)


def test_somebody_else_signs_in_and_gets_the_same_question(
    sign_in: SignIn, host: Host, alice: Membership, mallory: Membership
) -> None:
    page = sign_in(alice)
    url = host.url(state="✓ & = %")
    page.goto(url)
    page.get_by_role("button", name="Not you?").click()
    page.wait_for_url("**/account/login/**")
    enter(page, "mallory@malice.example")
    expect(page.get_by_text("mallory@malice.example")).to_be_visible()
    page.get_by_role("button", name="Allow").click()
    assert returned(page)["state"] == ["✓ & = %"]
    assert Consent.objects.get().user == mallory.user


def test_the_popup_keeps_its_opener(
    context: BrowserContext, page: Page, live_server: LiveServer, host: Host, alice: Membership
) -> None:
    """Hosts wait for their popup by `window.opener`, through sign-in, another person, consent."""
    context.route("https://host.example/", lambda route: route.fulfill(body="<p>host</p>"))
    page.goto("https://host.example/")
    with page.expect_popup() as opened:
        page.evaluate("url => { window.open(url) }", f"{live_server.url}{host.url()}")
    popup = opened.value
    enter(popup, "alice@acme.example")
    popup.get_by_role("button", name="Not you?").click()
    enter(popup, "alice@acme.example")
    expect(popup.get_by_role("button", name="Allow")).to_be_visible()
    assert popup.evaluate("window.opener !== null")


def test_the_other_account_is_one_click_away(
    sign_in: SignIn, host: Host, alice: Membership
) -> None:
    globex = TenantFactory(slug="globex-test", name="Globex Test", tier="discover")
    MembershipFactory(user=alice.user, tenant=globex, role="member")
    page = sign_in(alice)
    page.goto(host.url(scope=EVERYTHING))
    page.get_by_role("link", name="Globex Test").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Allow Claude to use Globex Test?")
    expect(page.get_by_label("Draft number orders")).to_be_disabled()
    page.get_by_role("button", name="Allow").click()
    returned(page)
    assert Consent.objects.get().tenant == globex
    assert set(Grant.objects.get().scope.split()) == {"mcp.inventory.read", "mcp.docs.read"}


def test_both_answers_stay_in_reach_on_a_phone(
    sign_in: SignIn, host: Host, alice: Membership
) -> None:
    page = sign_in(alice)
    page.set_viewport_size({"width": 390, "height": 700})
    page.goto(host.url(scope=EVERYTHING))
    cancel, allow = (page.get_by_role("button", name=name) for name in ("Cancel", "Allow"))
    expect(cancel).to_be_in_viewport(ratio=1)
    expect(allow).to_be_in_viewport(ratio=1)
    left, right = cancel.bounding_box(), allow.bounding_box()
    assert left is not None
    assert right is not None
    assert (left["width"], left["height"], left["y"]) == (
        right["width"],
        right["height"],
        right["y"],
    )
    assert left["x"] < right["x"]
    for box in page.get_by_role("checkbox").all():
        box.focus()
        under = box.bounding_box()
        assert under is not None
        assert under["y"] + under["height"] <= left["y"], "the bar hides what has the focus"


def test_all_of_it_works_without_script(plain: Page, host: Host, alice: Membership) -> None:
    for number in range(5):
        make_token(alice, name=f"Old host {number}")
    plain.goto(host.url())
    enter(plain, "alice@acme.example")
    plain.get_by_label("Search docs").uncheck()
    plain.get_by_role("button", name="Allow").click()
    plain.get_by_role("button", name="Disconnect Old host 3").click()
    expect(plain.get_by_role("status")).to_contain_text("Disconnected Old host 3")
    expect(plain.get_by_label("Search docs")).not_to_be_checked()
    plain.get_by_role("button", name="Allow").click()
    assert "code" in returned(plain)
    assert Consent.objects.get().scope == "mcp.inventory.read"


def test_the_page_of_people_without_access_holds(sign_in: SignIn, host: Host) -> None:
    page = sign_in(MembershipFactory(role="viewer", user__email="viewer@acme.example"))
    page.goto(host.url())
    page.get_by_role("button", name="Cancel").click()
    assert returned(page)["error"] == ["access_denied"]
