"""Making the token, and the one sight of it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.urls import reverse
from django.utils import timezone
from django.views.debug import ExceptionReporter

from cliqtel_portal.accounts.models import Membership, Tenant
from mcp_access import tokens
from mcp_access.models import AccessToken
from tests.factories.accounts import MembershipFactory
from tests.mcp_access.token_form import (
    CREATE,
    NEW,
    TOKEN,
    carried,
    filled_in,
    make,
    signed_in,
    text_of,
)

pytestmark = pytest.mark.django_db


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


def test_a_crash_report_does_not_have_the_text(
    alice: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = signed_in(alice)
    posted = carried(client.post(NEW, filled_in(client)))
    shown: list[str] = []

    def fail(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        shown.append(context["plaintext"])
        raise RuntimeError("the disk is full")

    monkeypatch.setattr("mcp_access.views.tokens.render", fail)
    with pytest.raises(RuntimeError) as caught:
        client.post(CREATE, posted)

    # From Django's handler on: the frames before it are this test's, which knows the text.
    frames = caught.tb.tb_next
    while frames is not None and "handlers" not in frames.tb_frame.f_code.co_filename:
        frames = frames.tb_next
    report = ExceptionReporter(
        RequestFactory().post(CREATE), caught.type, caught.value, frames
    ).get_traceback_html()
    assert "issue_token" in report or "plaintext" in report
    assert shown
    assert shown[0] not in report


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
