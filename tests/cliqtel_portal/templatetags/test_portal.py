"""How pages write numbers, countries, money and moments."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.template import Context, Template

from cliqtel_portal.accounts.models import Tenant
from cliqtel_portal.money import Money

NOW = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)


def render(source: str, **context: object) -> str:
    return Template("{% load portal %}" + source).render(Context(context))


def test_a_number_is_shown_international_with_its_national_form_on_hover() -> None:
    shown = render("{{ number|e164 }}", number="+442079460123")

    assert ">+44 20 7946 0123<" in shown
    assert 'title="020 7946 0123"' in shown
    assert "tel:" not in shown


def test_what_is_no_number_is_escaped() -> None:
    assert "<b>" not in render("{{ number|e164 }}", number="<b>")
    assert render("{{ number|e164 }}", number="") == ""


def test_a_country_is_its_name_and_the_flag_is_silent() -> None:
    shown = render("{{ code|country }}", code="NL")

    assert "Netherlands" in shown
    assert '<span aria-hidden="true">\U0001f1f3\U0001f1f1</span>' in shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Decimal("1.5"), "€1.50"),
        (Money(amount=Decimal("0.0005"), currency="EUR"), "€0.0005"),
        (Money(amount=Decimal(1200), currency="GBP"), "£1,200.00"),
        (None, ""),
    ],
)
def test_money_has_its_currency_and_all_its_decimals(value: object, shown: str) -> None:
    assert render("{{ value|money }}", value=value) == shown


def test_a_moment_is_in_the_tenants_zone_and_utc_on_hover() -> None:
    shown = render("{% moment at %}", at=NOW, tenant=Tenant(time_zone="Europe/Amsterdam"))

    assert ">2 Jul 2026, 00:30<" in shown
    assert 'title="2026-07-01 22:30:00 UTC"' in shown
    assert 'datetime="2026-07-01T22:30:00+00:00"' in shown
    assert ">1 Jul 2026, 22:30<" in render("{% moment at %}", at=NOW)


def test_a_day_is_the_tenants_day() -> None:
    tenant = Tenant(time_zone="Europe/Amsterdam")

    assert ">2 Jul 2026<" in render("{% day at %}", at=NOW, tenant=tenant)


@pytest.mark.parametrize(
    ("gap", "text"),
    [
        (timedelta(seconds=5), "just now"),
        (timedelta(minutes=4, seconds=59), "4 min ago"),
        (timedelta(hours=2), "2 h ago"),
        (timedelta(days=1), "1 day ago"),
        (timedelta(days=6, hours=23), "6 days ago"),
        (-timedelta(seconds=30), "in less than a minute"),
        (-timedelta(days=6, hours=1), "in 6 days"),
        (timedelta(days=40), "22 May 2026"),
    ],
)
def test_what_is_near_is_told_by_its_distance(gap: timedelta, text: str) -> None:
    with time_machine.travel(NOW, tick=False):
        assert f">{text}</time>" in render("{% ago at %}", at=NOW - gap)


def test_what_never_happened_is_said() -> None:
    assert render("{% ago at %}", at=None) == "Never"
    assert render('{% moment at empty="Not yet" %}', at=None) == "Not yet"


@pytest.mark.parametrize(
    ("name", "letters"),
    [("Anna de Vries", "AV"), ("owner@acme.test", "O"), ("anna.smit@acme.test", "AS"), ("", "?")],
)
def test_the_avatar_has_up_to_two_letters(name: str, letters: str) -> None:
    assert render("{{ name|initials }}", name=name) == letters


def test_an_exact_moment_is_the_tenants_to_the_millisecond() -> None:
    shown = render(
        "{% exact at %}",
        at=NOW.replace(microsecond=123_456),
        tenant=Tenant(time_zone="Pacific/Auckland"),
    )

    assert ">2026-07-02 10:30:00.123 NZST<" in shown
    assert 'title="2026-07-01 22:30:00.123 UTC"' in shown


def test_a_day_of_the_calendar_is_in_no_zone() -> None:
    shown = render("{{ day|calendar_day }}", day=NOW.date())

    assert shown == '<time datetime="2026-07-01">1 Jul 2026</time>'
