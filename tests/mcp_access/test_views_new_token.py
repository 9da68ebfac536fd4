"""From the form by the review to the one sight of a new token."""

from __future__ import annotations

import html
import re
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cliqtel_portal.accounts.models import Membership, Tenant
from mcp_access import tokens
from mcp_access.models import AccessToken
from tests.factories.accounts import MembershipFactory
from tests.factories.mcp_access import make_token

pytestmark = pytest.mark.django_db

NEW = "/numbers/ai-access/tokens/new/"
CREATE = "/numbers/ai-access/tokens/new/create/"
TOKEN = re.compile(r"ct_mcp_[0-9A-Za-z]{49}")
_INPUT = re.compile(r"<input type=\"hidden\" name=\"(\w+)\" value=\"([^\"]*)\"")


def signed_in(membership: Membership, **options: bool) -> Client:
    client = Client(**options)
    client.force_login(membership.user)
    return client


def text_of(response: HttpResponse) -> str:
    return html.unescape(response.content.decode())


def filled_in(client: Client, **values: Any) -> dict[str, Any]:
    """What a browser would post: the form's hidden values, the default expiry, and `values`."""
    hidden = dict(_INPUT.findall(client.get(NEW).content.decode()))
    del hidden["csrfmiddlewaretoken"]
    return hidden | {
        "name": "Ops agent",
        "scopes": ["mcp.docs.read"],
        "lifetime": "90",
        **values,
    }


def carried(response: HttpResponse) -> dict[str, Any]:
    """The hidden values of a review, as its form posts them."""
    found: dict[str, Any] = {}
    for name, value in _INPUT.findall(response.content.decode()):
        found.setdefault(name, []).append(html.unescape(value))
    # Django's client checks none, unless told to.
    found.pop("csrfmiddlewaretoken")
    return found


# -- the form -------------------------------------------------------------------------------------


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


# -- making it ------------------------------------------------------------------------------------


def make(client: Client, **values: Any) -> tuple[dict[str, Any], HttpResponse]:
    """Through form and review. What was posted last, and its answer."""
    posted = carried(client.post(NEW, filled_in(client, **values)))
    return posted, client.post(CREATE, posted)


def test_the_token_is_made_as_reviewed(alice: Membership) -> None:
    client = signed_in(alice)
    start = (timezone.now() + timedelta(days=2)).date()

    _, response = make(
        client,
        note="ticket 42",
        scopes=["mcp.docs.read", "mcp.routing.write"],
        lifetime="60",
        allowed_cidrs="192.0.2.7, 2001:db8::/32\r\n\r\n198.51.100.0/24",
        burst_per_minute="20",
        starts_on=start.isoformat(),
    )

    token = AccessToken.objects.get()
    assert (token.kind, token.name, token.note) == ("static", "Ops agent", "ticket 42")
    assert (token.tenant, token.user, token.created_by) == (alice.tenant, alice.user, alice.user)
    assert token.scope == "mcp.docs.read mcp.routing.write"
    assert token.allowed_cidrs == ["192.0.2.7/32", "2001:db8::/32", "198.51.100.0/24"]
    assert token.burst_per_minute == 20
    assert abs(token.expires - timezone.now() - timedelta(days=60)) < timedelta(minutes=1)
    zone = ZoneInfo(alice.tenant.time_zone)
    assert token.not_before == datetime(start.year, start.month, start.day, tzinfo=zone)
    assert token.resource == [settings.MCP_RESOURCE_URL]

    page = text_of(response)
    found = set(TOKEN.findall(page))
    assert len(found) == 1
    plaintext = found.pop()
    assert tokens.digest(plaintext) == token.token_checksum
    assert "You will not see it again" in page
    assert f'--header "Authorization: Bearer {plaintext}"' in page
    assert "YOUR_TOKEN" not in page
    assert response["Cache-Control"] == "no-store"


def test_the_default_is_ninety_days_from_anywhere_at_once(alice: Membership) -> None:
    make(signed_in(alice))

    token = AccessToken.objects.get()
    assert abs(token.expires - timezone.now() - timedelta(days=90)) < timedelta(minutes=1)
    assert (token.allowed_cidrs, token.not_before, token.burst_per_minute) == ([], None, None)


def last_day(zone: ZoneInfo) -> date:
    return timezone.localdate(timezone=zone) + timedelta(days=365)


def test_another_date_is_the_last_day_in_the_accounts_zone(alice: Membership) -> None:
    zone = ZoneInfo("America/New_York")
    Tenant.objects.filter(pk=alice.tenant_id).update(time_zone=zone.key)
    day = timezone.localdate(timezone=zone) + timedelta(days=10)

    make(signed_in(alice), lifetime="custom", expires_on=day.isoformat())

    following = day + timedelta(days=1)
    assert AccessToken.objects.get().expires == datetime(
        following.year, following.month, following.day, tzinfo=zone
    )


def test_the_last_day_of_a_year_can_be_chosen(alice: Membership) -> None:
    day = last_day(ZoneInfo(alice.tenant.time_zone))

    make(signed_in(alice), lifetime="custom", expires_on=day.isoformat())

    assert AccessToken.objects.get().expires <= timezone.now() + timedelta(days=365)


def test_a_reload_leads_to_the_token_without_its_text(alice: Membership) -> None:
    client = signed_in(alice)
    posted, response = make(client)
    plaintext = TOKEN.findall(text_of(response))[0]

    again = client.post(CREATE, posted)

    token = AccessToken.objects.get()
    detail = reverse("mcp_access:token-detail", args=[token.pk])
    assert (again.status_code, again["Location"]) == (302, detail)
    page = text_of(client.get(detail))
    assert "This token exists and its text was shown." in page
    assert plaintext not in page
    assert client.get(CREATE)["Location"] == NEW


def test_the_text_is_nowhere_but_in_the_answer(
    alice: Membership, caplog: pytest.LogCaptureFixture
) -> None:
    client = signed_in(alice)
    with caplog.at_level("DEBUG"):
        _, response = make(client)
    plaintext = TOKEN.findall(text_of(response))[0]

    assert plaintext not in caplog.text
    assert plaintext not in str(response.headers)
    assert plaintext not in str(client.cookies)
    assert plaintext not in str([session.get_decoded() for session in Session.objects.all()])
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(
                f'SELECT count(*) FROM "{table}" t WHERE t::text LIKE %s', [f"%{plaintext}%"]
            )
            assert cursor.fetchone() == (0,), table


def test_the_review_cannot_be_widened_on_the_way(bob: Membership) -> None:
    client = signed_in(bob)
    posted = carried(client.post(NEW, filled_in(client)))

    page = text_of(client.post(CREATE, posted | {"scopes": ["mcp.numbers.purchase"]}))

    assert "mcp.numbers.purchase needs the role approver." in page
    assert not AccessToken.objects.exists()


def test_posting_needs_the_csrf_token(alice: Membership) -> None:
    values = filled_in(signed_in(alice))
    client = signed_in(alice, enforce_csrf_checks=True)

    assert client.post(NEW, values).status_code == 403
    assert client.post(CREATE, values).status_code == 403
    assert not AccessToken.objects.exists()


@pytest.mark.parametrize("path", [NEW, CREATE])
def test_switching_the_account_meanwhile_makes_no_token_there(path: str, alice: Membership) -> None:
    client = signed_in(alice)
    values = filled_in(client)
    other = MembershipFactory(user=alice.user, tenant__slug="zeta", tenant__name="Zeta BV")
    client.post("/account/tenant/", {"tenant": "zeta", "next": "/trunks/"})

    response = client.post(path, values)

    page = text_of(response)
    assert "You have switched to Zeta BV." in page
    assert 'name="name" value="Ops agent"' in page
    assert carried(response)["account"] == [str(other.tenant_id)]
    assert not AccessToken.objects.exists()


# -- no connection left ---------------------------------------------------------------------------


@pytest.fixture
def discover(mallory: Membership) -> Membership:
    """Mallory's tenant in the tier with one connection."""
    Tenant.objects.filter(pk=mallory.tenant_id).update(tier="discover")
    return mallory


def disconnect(token: AccessToken) -> str:
    return reverse("mcp_access:token-disconnect", args=[token.pk])


def test_without_a_connection_left_the_form_offers_to_end_one(discover: Membership) -> None:
    token, _ = make_token(discover, name="Old host")
    client = signed_in(discover)

    page = text_of(client.get(NEW, {"template": "explorer"}))

    assert "Discover allows 1 connected AI host, and" in page
    assert "Old host" in page
    response = client.post(disconnect(token), {"template": "explorer"})
    assert response["Location"] == f"{NEW}?template=explorer"
    token.refresh_from_db()
    assert token.revoked_by == discover.user
    assert client.get(NEW).status_code == 200


def test_what_was_typed_survives_the_disconnecting(discover: Membership) -> None:
    client = signed_in(discover)
    values = filled_in(client, note="ticket 42")
    token, _ = make_token(discover, name="Somebody was faster")

    for path in (NEW, CREATE):
        limit_page = client.post(path, values)
        assert "What you typed is kept." in text_of(limit_page)
    review = client.post(disconnect(token), carried(limit_page))
    assert "ticket 42" in text_of(review)
    client.post(CREATE, carried(review))

    assert AccessToken.objects.live().get().note == "ticket 42"


def test_a_member_is_offered_their_own_connections_only(
    acme: Tenant, alice: Membership, bob: Membership
) -> None:
    Tenant.objects.filter(pk=acme.pk).update(connections=2)
    of_alice, _ = make_token(alice, name="of alice")
    make_token(bob, name="of bob")
    client = signed_in(bob)

    page = text_of(client.get(NEW))

    assert "of bob" in page
    assert "of alice" not in page
    assert "1 more belongs to colleagues." in page
    assert client.post(disconnect(of_alice)).status_code == 404
    of_alice.refresh_from_db()
    assert of_alice.revoked_at is None


def test_a_member_without_any_is_told_whom_to_ask(
    acme: Tenant, alice: Membership, bob: Membership
) -> None:
    Tenant.objects.filter(pk=acme.pk).update(connections=1)
    make_token(alice)

    page = text_of(signed_in(bob).get(NEW))

    assert "None of the connections is yours to end." in page
    assert "1 belongs to colleagues. Ask an admin of Acme Test" in page


def test_no_connection_of_another_tenant_is_ended(alice: Membership, mallory: Membership) -> None:
    token, _ = make_token(alice)

    assert signed_in(mallory).post(disconnect(token)).status_code == 404
    token.refresh_from_db()
    assert token.revoked_at is None


def test_every_template_of_these_pages_has_no_inline_script_or_style() -> None:
    folder = Path(settings.BASE_DIR) / "templates" / "mcp_access"
    files = sorted(folder.glob("*.html"))
    assert files
    for file in files:
        text = file.read_text()
        assert not re.search(r"style=|<style|\son\w+=|<script(?![^>]*src=)", text), file.name
