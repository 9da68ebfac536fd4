"""The Usage page: whose numbers it shows, to whom, and that it stays within a few queries."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import StringIO

import pytest
import time_machine
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from audit import daily
from audit.models import DailyUsage, MonthlyUsage
from cliqtel_portal.accounts.models import Membership, Tenant
from cliqtel_portal.ids import uuid7
from mcp_access.models import AccessToken
from mcp_access.views import usage_chart
from tests.factories.accounts import MembershipFactory
from tests.factories.audit import failed, make_call, ok
from tests.factories.billing import UsageStatementFactory
from tests.factories.mcp_access import make_token
from tests.mcp_access.oauth.connected import connect
from tests.mcp_access.token_form import signed_in, text_of

pytestmark = pytest.mark.django_db

PAGE = "/numbers/ai-access/usage/"
DAYS, STATEMENTS = f"{PAGE}days.csv", f"{PAGE}statements.csv"
NOW = datetime(2026, 11, 11, tzinfo=UTC)
DAY = date(2026, 11, 10)
QUERIES = 13


@pytest.fixture(autouse=True)
def clock(acme: Tenant):
    Tenant.objects.filter(pk=acme.pk).update(created_at=datetime(2026, 9, 3, tzinfo=UTC))
    acme.refresh_from_db()
    with time_machine.travel(NOW, tick=False) as travelled:
        yield travelled


def used(membership: Membership, calls: int, **fields: object) -> None:
    values = {"tool": "search_numbers", "source_id": uuid7(), "errors": 0, "refused": 0, "day": DAY}
    tenant_id = membership.tenant_id
    DailyUsage.objects.create(tenant_id=tenant_id, calls=calls, **(values | fields))


def month_of(membership: Membership, calls: int) -> None:
    MonthlyUsage.objects.create(
        tenant_id=membership.tenant_id, month=date(2026, 11, 1), calls=calls
    )


def test_a_viewer_and_a_stranger_see_nothing(acme: Tenant) -> None:
    viewer = MembershipFactory(tenant=acme, role="viewer")
    for path in (PAGE, DAYS, STATEMENTS):
        assert signed_in(viewer).get(path).status_code == 403
        assert Client().get(path)["Location"].startswith("/account/login/")
        assert signed_in(viewer).post(path).status_code == 405


def test_mallory_sees_nothing_of_acme(alice: Membership, mallory: Membership) -> None:
    token, _ = make_token(alice, name="Secret laptop")
    used(alice, 777, source_id=token.pk)
    month_of(alice, 777)
    UsageStatementFactory(tenant=alice.tenant)
    client = signed_in(mallory)

    page = text_of(client.get(PAGE))

    assert "777" not in page
    assert "Secret laptop" not in page
    assert "11.7285" not in page
    assert "0 of 1" in page
    for path in (PAGE, DAYS):
        assert client.get(path, {"by": f"token-{token.pk}"}).status_code == 404
    assert client.get(DAYS).content.decode() == "day,tool,calls,errors,refused\r\n"
    assert client.get(STATEMENTS).content.decode().count("\r\n") == 1


def test_the_meters_say_month_burst_and_connections(alice: Membership) -> None:
    month_of(alice, 81_234)
    token, _ = make_token(alice, name="Laptop", burst_per_minute=8)
    make_token(alice, name="Idle")
    for _ in range(7):
        make_call(
            tenant_id=alice.tenant_id,
            user_id=alice.user_id,
            token_id=token.pk,
            at=NOW,
            outcome=ok(),
        )

    page = text_of(signed_in(alice).get(PAGE))

    assert "81,241 of 100,000" in page
    assert "Each call beyond costs €0.0005." in page
    assert "7 of 8: <bdi>Laptop</bdi>" in page
    assert "2 of 5" in page


def test_overage_so_far_and_at_this_pace(alice: Membership) -> None:
    month_of(alice, 110_000)
    page = text_of(signed_in(alice).get(PAGE))
    # Ten of thirty days: 330,000 calls, 230,000 beyond.
    assert "€5.00 so far" in page
    assert "10,000 calls beyond 100,000 at €0.0005 each." in page
    assert "At this pace the month ends with 330,000 calls and €115.00." in page


def test_on_the_first_day_there_is_no_forecast(alice: Membership, clock) -> None:
    clock.move_to(datetime(2026, 11, 1, 23, 59, tzinfo=UTC))
    month_of(alice, 3)
    page = text_of(signed_in(alice).get(PAGE))
    assert "A forecast follows after the month's first day." in page


@pytest.mark.parametrize("tier", ["discover", "embed"])
def test_a_tier_without_overage_has_no_such_card(alice: Membership, tier: str) -> None:
    Tenant.objects.update(tier=tier)
    page = text_of(signed_in(alice).get(PAGE))
    assert "so far" not in page
    assert ('"code": "quota_exceeded", "limit": 10000' in page) == (tier == "discover")


def test_the_chart_and_its_table_say_the_same(alice: Membership) -> None:
    used(alice, 1_200, errors=3)
    used(alice, 800, tool="whoami", refused=4)
    used(alice, 5, tool="", errors=5, day=date(2026, 11, 2))
    page = signed_in(alice).get(PAGE)
    chart = page.context["chart"]
    assert [(name, calls) for _, name, calls in chart.tools] == [
        ("search_numbers", 1_200),
        ("whoami", 800),
        ("Other tools", 5),
    ]
    assert len(chart.bars) == 11, "up to today"
    bar = chart.bars[9]
    assert (bar.counts, bar.total, bar.errors, bar.refused) == ([1_200, 800, 0], 2_000, 3, 4)
    assert [(part.colour, part.y, part.height) for part in bar.segments] == [
        (1, "80.00", "120.00"),
        (2, "0.00", "80.00"),
    ]
    text = page.content.decode()
    assert '<rect class="k1" x="182" y="80.00" width="16" height="120.00"/>' in text
    assert '<td class="num">1,200</td>' in text
    assert "2,005 calls, 8 of them with an error; 4 more refused" in text


def test_rare_tools_come_together() -> None:
    rows = [
        daily.DayOfTool(day=DAY, tool=f"tool_{n}", calls=10 - n, errors=0, refused=0)
        for n in range(8)
    ]
    chart = usage_chart.draw(rows, first=DAY, last=DAY)
    assert [name for _, name, _ in chart.tools] == [*(f"tool_{n}" for n in range(5)), "Other tools"]
    assert chart.tools[-1] == (6, "Other tools", 5 + 4 + 3)
    assert (chart.total, chart.top) == (52, 100)
    assert chart.bars[0].segments[-1].colour == 6


def test_nothing_yet_says_when_something_shows(alice: Membership) -> None:
    page = text_of(signed_in(alice).get(PAGE))
    assert 'No calls from <time datetime="2026-11-01">1 Nov 2026</time> to <time' in page
    assert "None yet. A month's statement is made within hours of its end" in page


def test_a_token_and_an_app_are_filters(alice: Membership) -> None:
    token, _ = make_token(alice, name="Laptop")
    consent = connect(alice, "Claude")
    used(alice, 11, source_id=token.pk)
    used(alice, 22, source_id=alice.user_id, client_id=consent.application.client_id)
    used(alice, 44)
    client = signed_in(alice)

    everything = text_of(client.get(PAGE))
    assert "77 calls" in everything
    assert "Others" in everything
    by_token = client.get(PAGE, {"by": f"token-{token.pk}"})
    by_app = client.get(PAGE, {"by": f"app-{consent.pk}"})

    assert (by_token.context["chart"].total, by_app.context["chart"].total) == (11, 22)
    assert f'<option value="app-{consent.pk}" selected>' in by_app.content.decode()
    rows = list(
        csv.DictReader(StringIO(client.get(DAYS, {"by": f"app-{consent.pk}"}).content.decode()))
    )
    assert rows == [
        {
            "day": "2026-11-10",
            "tool": "search_numbers",
            "calls": "22",
            "errors": "0",
            "refused": "0",
        }
    ]


def test_a_member_sees_the_sum_and_only_their_own_by_name(
    alice: Membership, bob: Membership
) -> None:
    of_alice, _ = make_token(alice, name="of alice")
    of_bob, _ = make_token(bob, name="of bob")
    used(alice, 40, source_id=of_alice.pk)
    used(alice, 2, source_id=of_bob.pk)
    make_call(tenant_id=alice.tenant_id, token_id=of_alice.pk, at=NOW, outcome=ok())
    client = signed_in(bob)

    page = text_of(client.get(PAGE))

    assert "42 calls" in page
    assert "of bob" in page
    assert "of alice" not in page
    assert "Of colleagues, or gone" in page
    assert client.get(PAGE, {"by": f"token-{of_alice.pk}"}).status_code == 404


def test_months_before_and_no_further(alice: Membership) -> None:
    used(alice, 9, day=date(2026, 10, 31))
    client = signed_in(alice)
    october = client.get(PAGE, {"month": "2026-10"})
    assert october.context["chart"].total == 9
    assert len(october.context["chart"].bars) == 31
    links = october.content.decode()
    assert "?month=2026-09" in links
    assert "?month=2026-11" in links
    assert "?month=2026-08" not in client.get(PAGE, {"month": "2026-09"}).content.decode()
    for wrong in ("2026-08", "2026-12", "9999-99", "november", "2026-10-01", "\0"):
        assert client.get(PAGE, {"month": wrong}).status_code == 404, wrong


def test_statements_are_listed_and_downloaded_exactly(alice: Membership) -> None:
    UsageStatementFactory(tenant=alice.tenant)
    client = signed_in(alice)
    page = text_of(client.get(PAGE))
    assert "October 2026" in page
    assert "€11.7285" in page
    response = client.get(STATEMENTS)
    assert response["Content-Disposition"] == 'attachment; filename="ai-usage-statements.csv"'
    (row,) = csv.DictReader(StringIO(response.content.decode()))
    assert (row["month"], row["overage_calls"], row["unit_price"], row["amount"]) == (
        "2026-10",
        "23457",
        "0.0005",
        "11.7285",
    )


def test_hostile_names_are_text(alice: Membership) -> None:
    token, _ = make_token(alice, name="<script>alert(1)</script>")
    used(alice, 1, source_id=token.pk, tool="<b>")
    text = signed_in(alice).get(PAGE).content.decode()
    assert "<script>alert" not in text
    assert "<b>:" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text


def test_the_page_reads_no_more_for_more_tokens(
    alice: Membership, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client = signed_in(alice)
    client.get(PAGE)
    with django_assert_num_queries(QUERIES):
        client.get(PAGE)
    for number in range(4):
        token, _ = make_token(alice, name=f"token {number}")
        used(alice, 5, source_id=token.pk)
        make_call(tenant_id=alice.tenant_id, token_id=token.pk, at=NOW, outcome=failed("not_found"))
        connect(alice, f"App {number}")
    with django_assert_num_queries(QUERIES):
        page = client.get(PAGE)
    assert len(page.context["sources"]) == 4
    assert AccessToken.objects.count() >= 4
    assert page.context["overage"].so_far.amount == Decimal(0)


def test_it_is_in_the_navigation(alice: Membership, acme: Tenant) -> None:
    assert f'<a href="{PAGE}" aria-current="page">' in signed_in(alice).get(PAGE).content.decode()
    viewer = MembershipFactory(tenant=acme, role="viewer")
    assert PAGE not in signed_in(viewer).get("/numbers/").content.decode()


def test_the_calls_of_now_show_after_the_beat(alice: Membership) -> None:
    make_call(
        tenant_id=alice.tenant_id, token_id=uuid7(), at=NOW - timedelta(hours=2), outcome=ok()
    )
    page = text_of(signed_in(alice).get(PAGE))
    assert "The calls made lately are drawn within two minutes." in page
    assert "No calls from" not in page
    daily.roll_up(tools=["search_numbers"])
    assert signed_in(alice).get(PAGE).context["chart"].total == 1
