"""The pages of those who are not inside: signing in, errors, consent; and the staff's admin."""

from __future__ import annotations

import pytest
from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.test import Client
from playwright.sync_api import Page
from pytest_django import Settings

from audit.models import ToolCall
from cliqtel_portal.accounts.models import Membership, User
from tests.browser.conftest import SignIn
from tests.browser.eye import Walk
from tests.browser.pages import DOORS
from tests.browser.world import World
from tests.cliqtel_portal.accounts.test_invitations import invite
from tests.factories.accounts import MembershipFactory, TenantFactory
from tests.factories.mcp_access import make_token
from tests.mcp_access.oauth.host import Host

pytestmark = pytest.mark.browser

_ERRORS = ("400", "403", "403_csrf", "404", "429", "500", "503")
# Django's own markup: its search field is named by a picture, fields in tables by their columns'
# heads alone, and Select2 names nothing.
_OF_DJANGO = (
    "label-title-only",
    "label",
    "select-name",
    "aria-input-field-name",
    "empty-table-header",
)
_EVERYTHING = "mcp.inventory.read mcp.docs.read mcp.orders.draft mcp.numbers.purchase"


def test_every_page_before_signing_in_holds(
    page: Page, settings: Settings, alice: Membership
) -> None:
    settings.ROOT_URLCONF = "tests.browser.sample_page"
    link = invite(Client(), alice)
    walk = Walk(page, {"uidb36": "1", "key": "used-up", "secret": link.split("/")[-2]})
    walk.to(*(route for route in DOORS if route != "/oauth/authorize"))
    page.goto("/account/login/")
    page.get_by_label("E-mail").fill("alice@acme.example")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("alert").wait_for()
    walk.look("a wrong password")
    key = f"{user_pk_to_url_str(alice.user)}-{default_token_generator.make_token(alice.user)}"
    page.goto(f"/account/password/reset/key/{key}/")
    page.get_by_label("New password", exact=True).wait_for()
    walk.look("a new password")
    for name in _ERRORS:
        walk.to(f"/told/{name[:3]}/{name}/", status=int(name[:3]))
    walk.end()


def test_every_page_of_consent_holds(sign_in: SignIn, alice: Membership, bob: Membership) -> None:
    claude = Host(Client())
    claude.register()
    page = sign_in(bob)
    walk = Walk(page, {})
    walk.to(claude.url(scope=_EVERYTHING))
    page.goto(claude.url(scope="mcp.inventory.read mcp.docs.read mcp.orders.draft"))
    for box in page.get_by_role("checkbox").all():
        box.uncheck()
    page.get_by_role("button", name="Allow").click()
    page.get_by_role("alert").wait_for()
    walk.look("nothing ticked")
    walk.to(claude.url(redirect_uri="https://evil.example/"), status=400)

    globex = TenantFactory(slug="globex-test", name="Globex Test", tier="discover")
    MembershipFactory(user=alice.user, tenant=globex, role="member")
    sign_in(alice)
    walk.to(claude.url(scope=_EVERYTHING))
    walk.to(claude.url(scope="mcp.orders.draft", tenant="globex-test"))
    for number in range(5):
        make_token(alice, name=f"Old host with a long name, number {number}")
    page.goto(claude.url())
    page.get_by_role("button", name="Allow").click()
    page.get_by_role("heading", name="Disconnect a host first").wait_for()
    walk.look("no connection is left")
    sign_in(MembershipFactory(role="viewer"))
    walk.to(claude.url(), "/numbers/ai-access/", status=403)
    walk.end()


def test_the_pages_of_the_admin_hold(sign_in: SignIn, world: World) -> None:
    """One of each kind: the lists and the forms of all models are the same templates."""
    sam = User.objects.get(email="staff@cliqtel.test")
    # Not the page that listens for complaints: the widgets of Django's forms set styles inline.
    page = sign_in(Membership(user=sam)).context.new_page()
    walk = Walk(page, {"user": str(sam.pk), "tenant": str(world.tenant.pk)})
    walk.to("/admin/", "/admin/audit/", "/admin/password_change/")
    call = ToolCall.objects.latest("pk")
    walk.to(
        "/admin/audit/toolcall/",
        f"/admin/audit/toolcall/{call.pk}/change/",
        "/admin/accounts/user/",
        "/admin/accounts/tenant/",
        "/admin/accounts/tenant/{tenant}/history/",
        without=_OF_DJANGO,
    )
    walk.to(
        "/admin/accounts/user/add/",
        "/admin/accounts/user/{user}/change/",
        "/admin/accounts/tenant/{tenant}/change/",
        without=_OF_DJANGO,
    )
    walk.end()
