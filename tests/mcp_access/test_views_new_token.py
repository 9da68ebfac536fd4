"""The form of a new token and the review of what it would make."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from cliqtel_portal.accounts.models import Membership, Tenant
from mcp_access.models import AccessToken
from tests.factories.accounts import MembershipFactory
from tests.factories.mcp_access import make_token
from tests.mcp_access.token_form import (
    CREATE,
    NEW,
    TOKEN,
    carried,
    filled_in,
    signed_in,
    text_of,
)

pytestmark = pytest.mark.django_db


def test_a_stranger_is_sent_to_the_login() -> None:
    for path in (NEW, CREATE):
        assert Client().get(path)["Location"].startswith("/account/login/")
        assert Client().post(path)["Location"].startswith("/account/login/")


def test_a_viewer_makes_no_token(acme: Tenant) -> None:
    viewer = signed_in(MembershipFactory(tenant=acme, role="viewer"))

    assert viewer.get(NEW).status_code == 403
    assert viewer.post(NEW, {"name": "x"}).status_code == 403
    assert viewer.post(CREATE, {"name": "x"}).status_code == 403
    assert not AccessToken.objects.exists()


def boxes(page: str) -> dict[str, str]:
    """scope → "", "checked" or "disabled"."""
    return dict(re.findall(r'name="scopes" value="([\w.]+)"\s*(\w*)>', page))


def test_an_owner_in_automate_may_tick_everything(alice: Membership) -> None:
    page = text_of(signed_in(alice).get(NEW))

    assert boxes(page) == dict.fromkeys(settings.MCP_SCOPES, "")
    assert page.count("Always needs approval") == 4
    assert page.count("Needs approval beyond your daily limit") == 1
    assert 'value="90" id="id_lifetime_3" checked' in page


def test_what_the_role_forbids_is_locked_with_the_reason(bob: Membership) -> None:
    page = text_of(signed_in(bob).get(NEW))

    locked = {scope for scope, state in boxes(page).items() if state == "disabled"}
    assert locked == {"mcp.numbers.purchase", "mcp.routing.write", "mcp.messaging.send"}
    # Three scopes, and the template that needs one of them.
    assert page.count("Needs the role approver") == 4


def test_what_the_tier_forbids_is_locked_with_the_reason(mallory: Membership) -> None:
    Tenant.objects.filter(pk=mallory.tenant_id).update(tier="discover")

    page = text_of(signed_in(mallory).get(NEW))

    assert [scope for scope, state in boxes(page).items() if not state] == [
        "mcp.inventory.read",
        "mcp.pricing.read",
        "mcp.docs.read",
        "mcp.callflows.read",
    ]
    assert page.count("Not part of the tier Discover") == 8
    assert "?template=explorer" in page
    assert "?template=ordering" not in page


@pytest.mark.parametrize(
    ("template", "name", "scopes"),
    [
        (
            "explorer",
            "Read-only explorer",
            {
                "mcp.inventory.read",
                "mcp.pricing.read",
                "mcp.docs.read",
                "mcp.callflows.read",
            },
        ),
        (
            "ordering",
            "Ordering assistant",
            {
                "mcp.inventory.read",
                "mcp.pricing.read",
                "mcp.docs.read",
                "mcp.orders.draft",
            },
        ),
        (
            "callflows",
            "Call-flow editor",
            {
                "mcp.inventory.read",
                "mcp.docs.read",
                "mcp.callflows.read",
                "mcp.callflows.draft",
            },
        ),
        (
            "messaging",
            "Messaging",
            {
                "mcp.inventory.read",
                "mcp.docs.read",
                "mcp.messaging.send",
            },
        ),
    ],
)
def test_a_template_fills_in_name_and_scopes(
    template: str, name: str, scopes: set[str], alice: Membership
) -> None:
    page = text_of(signed_in(alice).get(NEW, {"template": template}))

    assert f'name="name" value="{name}"' in page
    assert {scope for scope, state in boxes(page).items() if state == "checked"} == scopes


@pytest.mark.parametrize("template", ["messaging", "no-such", "<script>"])
def test_a_template_that_cannot_be_granted_fills_in_nothing(template: str, bob: Membership) -> None:
    page = text_of(signed_in(bob).get(NEW, {"template": template}))

    assert "checked" not in boxes(page).values()
    assert "<script>" not in page


# -- the review -----------------------------------------------------------------------------------


def test_the_review_shows_what_would_be_made_and_makes_nothing(alice: Membership) -> None:
    client = signed_in(alice)
    values = filled_in(
        client,
        note="ticket 42",
        scopes=["mcp.docs.read", "mcp.orders.draft"],
        lifetime="30",
        allowed_cidrs="192.0.2.7\n2001:db8::/32",
        burst_per_minute="20",
    )

    response = client.post(NEW, values)

    page = text_of(response)
    for words in (
        "Create “<bdi>Ops agent</bdi>”?",
        "ticket 42",
        "Draft number orders, hold numbers",
        "Always needs approval",
        "<code>192.0.2.7</code> <code>2001:db8::/32</code>",
        "<dd>20</dd>",
        f"{timezone.now() + timedelta(days=30):%-d %b %Y}",
    ):
        assert words in page
    assert not TOKEN.search(page)
    assert not AccessToken.objects.exists()
    sent = carried(response)
    assert {name: sent[name] for name in values if name != "scopes"} == {
        name: [value] for name, value in values.items() if name != "scopes"
    }
    assert sent["scopes"] == values["scopes"]


def test_change_leads_back_with_everything_filled_in(alice: Membership) -> None:
    client = signed_in(alice)
    review = client.post(NEW, filled_in(client, allowed_cidrs="192.0.2.7"))

    page = text_of(client.post(NEW, carried(review) | {"change": "1"}))

    assert 'name="name" value="Ops agent"' in page
    assert boxes(page)["mcp.docs.read"] == "checked"
    assert "192.0.2.7</textarea>" in page
    assert '<details class="fold" open>' in page
    assert 'role="alert"' not in page


def test_all_problems_come_at_once_each_beside_its_field(alice: Membership) -> None:
    client = signed_in(alice)
    yesterday = (timezone.now() - timedelta(days=2)).date().isoformat()

    page = text_of(
        client.post(
            NEW,
            filled_in(
                client,
                name=" ",
                scopes=[],
                lifetime="custom",
                expires_on=yesterday,
                allowed_cidrs="10.0.0.0/33\nexample.com\n192.0.2.0/24",
                burst_per_minute="many",
                starts_on=yesterday,
            ),
        )
    )

    for field, problem in (
        ("name", "Give the token a name."),
        ("scopes", "Choose at least one scope."),
        ("expires_on", "Choose a day that lies ahead."),
        ("allowed_cidrs", "'10.0.0.0/33' is no network; write 192.0.2.0/24 or 192.0.2.7."),
        ("allowed_cidrs", "'example.com' is no network; write 192.0.2.0/24 or 192.0.2.7."),
        ("burst_per_minute", "Enter a whole number."),
        ("starts_on", "Choose today or a later day."),
    ):
        assert re.search(rf'id="id_{field}_error">.*?{re.escape(problem)}.*?</ul>', page, re.S)
        assert re.search(rf'<a href="#id_{field}">[^<]+</a>: {re.escape(problem)}', page)
        assert f'id="id_{field}"' in page
    assert "192.0.2.0/24' is no" not in page
    assert not AccessToken.objects.exists()


def test_a_taken_name_is_said_at_the_review(alice: Membership, bob: Membership) -> None:
    make_token(bob, name="Ops agent")
    client = signed_in(alice)

    page = text_of(client.post(NEW, filled_in(client)))

    assert page.count("A live token has this name; take another.") == 2
    assert 'name="name" value="Ops agent"' in page


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"scopes": ["mcp.everything"]}, "There is no scope mcp.everything."),
        ({"scopes": ["mcp.routing.write"]}, "mcp.routing.write needs the role approver."),
        ({"burst_per_minute": "301"}, "Between 1 and 300 calls a minute."),
        ({"burst_per_minute": "0"}, "Between 1 and 300 calls a minute."),
        ({"lifetime": "36500"}, "Choose one of the periods."),
        ({"lifetime": "custom"}, "Choose the last day on which it works."),
        ({"lifetime": "custom", "expires_on": "soon"}, "Enter a valid date."),
        ({"lifetime": "custom", "expires_on": "9999-12-31"}, "At most 365 days ahead."),
        ({"lifetime": "custom", "expires_on": "0001-01-01"}, "Choose a day that lies ahead."),
        ({"starts_on": "9999-12-31"}, "At most 365 days ahead."),
        ({"name": "x" * 81}, "At most 80 printable characters."),
        ({"name": "a\u202eb"}, "At most 80 printable characters."),
        ({"name": "a\x00b"}, "Null characters are not allowed."),
        ({"note": "x" * 201}, "At most 200 printable characters."),
        ({"allowed_cidrs": "\n".join(["192.0.2.1"] * 21)}, "At most 20 networks."),
    ],
)
@pytest.mark.parametrize("path", [NEW, CREATE])
def test_what_a_browser_would_not_send_is_refused_in_words(
    path: str, values: dict[str, Any], problem: str, bob: Membership
) -> None:
    client = signed_in(bob)

    page = text_of(client.post(path, filled_in(client, **values)))

    assert problem in page
    assert not AccessToken.objects.exists()


def test_a_start_after_the_expiry_is_refused(alice: Membership) -> None:
    client = signed_in(alice)
    later = (timezone.now() + timedelta(days=20)).date().isoformat()

    page = text_of(client.post(NEW, filled_in(client, lifetime="7", starts_on=later)))

    assert "The start must precede the expiry." in page


def test_every_template_of_these_pages_has_no_inline_script_or_style() -> None:
    folder = Path(settings.BASE_DIR) / "templates" / "mcp_access"
    files = sorted(folder.glob("*.html"))
    assert files
    for file in files:
        text = file.read_text()
        assert not re.search(r"style=|<style|\son\w+=|<script(?![^>]*src=)", text), file.name
