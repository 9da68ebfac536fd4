"""How pages write numbers, countries, money and moments. `{% load portal %}`."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from django import template
from django.template import Context
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from cliqtel_portal import formats
from cliqtel_portal.countries import country_flag, country_name
from cliqtel_portal.inert import visible
from cliqtel_portal.money import Money
from cliqtel_portal.phone import display, national

register = template.Library()

_UNITS = (("day", 86_400), ("h", 3600), ("min", 60))


@register.filter
def e164(value: str) -> SafeString | str:
    """ "+31 20 123 4567" with the national form on hover; never a tel: link, which might dial."""
    if not value:
        return ""
    return format_html(
        '<span class="nowrap" title="{}" data-e164="{}">{}</span>',
        national(value),
        value,
        display(value),
    )


@register.filter
def country(code: str) -> SafeString | str:
    """Flag and name; the flag is decoration, the name is what is read aloud."""
    if not code:
        return ""
    return format_html(
        '<span class="nowrap"><span aria-hidden="true">{}</span> {}</span>',
        country_flag(code),
        country_name(code),
    )


@register.filter
def money(value: Money | Decimal | None, currency: str = "EUR") -> str:
    if value is None:
        return ""
    return str(value if isinstance(value, Money) else Money(amount=value, currency=currency))


@register.filter
def thousands(value: int) -> str:
    """ "12,345"."""
    return formats.count(value)


@register.filter
def inert(text: str) -> str:
    """What a stranger wrote, with directional tricks made visible. Escaped as any other text."""
    return visible(text)


@register.filter
def initials(name: str) -> str:
    """Up to two letters for the avatar: "Anna de Vries" is AV, "owner@acme.test" is O."""
    words = [word for word in name.partition("@")[0].replace(".", " ").split() if word[0].isalnum()]
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper() or "?"


@register.simple_tag
def icon(name: str) -> SafeString:
    return format_html(
        '<svg class="icon" aria-hidden="true"><use href="{}#{}"/></svg>',
        static("img/icons.svg"),
        name,
    )


def _zone(context: Context) -> ZoneInfo:
    tenant = context.get("tenant")
    return ZoneInfo(tenant.time_zone if tenant else "UTC")


def _local(moment: datetime, zone: ZoneInfo) -> str:
    return formats.day_and_time(moment.astimezone(zone))


def _element(moment: datetime, title: str, text: str) -> SafeString:
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        moment.astimezone(UTC).isoformat(timespec="seconds"),
        title,
        text,
    )


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def distance(gap: timedelta) -> str:
    """ "4 min", "2 h", "6 days": the largest unit that fits, cut off, never rounded up."""
    seconds = int(gap.total_seconds())
    for unit, size in _UNITS:
        if seconds >= size:
            count = seconds // size
            return f"{count} {unit}s" if unit == "day" and count > 1 else f"{count} {unit}"
    return "less than a minute"


@register.simple_tag(takes_context=True)
def moment(context: Context, value: datetime | None, empty: str = "Never") -> SafeString | str:
    """The date and time in the tenant's zone, UTC on hover."""
    if value is None:
        return empty
    return _element(value, _utc(value), _local(value, _zone(context)))


@register.simple_tag(takes_context=True)
def second(context: Context, value: datetime) -> SafeString:
    """As `moment`, to the second: for a log."""
    local = value.astimezone(_zone(context))
    return _element(value, _utc(value), formats.day_and_second(local))


@register.simple_tag(takes_context=True)
def day(context: Context, value: datetime | None, empty: str = "Never") -> SafeString | str:
    """The date alone, in the tenant's zone."""
    if value is None:
        return empty
    return _element(value, _utc(value), formats.day(value.astimezone(_zone(context))))


@register.simple_tag(takes_context=True)
def exact(context: Context, value: datetime) -> SafeString:
    """The moment to the millisecond in the tenant's zone, as one looks it up in another log."""
    local = value.astimezone(_zone(context))
    stamp = value.astimezone(UTC).isoformat(timespec="milliseconds")
    return format_html(
        '<time datetime="{}" title="{} UTC">{}</time>',
        stamp,
        stamp.replace("T", " ").removesuffix("+00:00"),
        f"{local:%Y-%m-%d %H:%M:%S}.{local:%f}"[:-3] + f" {local:%Z}",
    )


@register.filter
def calendar_day(value: date) -> SafeString:
    """A day that no zone moves: of a contract, of the month's count in UTC."""
    return format_html('<time datetime="{}">{}</time>', value.isoformat(), formats.day(value))


@register.simple_tag(takes_context=True)
def ago(context: Context, value: datetime | None, empty: str = "Never") -> SafeString | str:
    """ "4 min ago", "in 6 days"; a month and more away, the date. Local time and UTC on hover."""
    if value is None:
        return empty
    gap = timezone.now() - value
    if abs(gap) >= timedelta(days=31):
        return day(context, value)
    if abs(gap) < timedelta(minutes=1):
        text = "just now" if gap >= timedelta(0) else "in less than a minute"
    else:
        text = f"{distance(gap)} ago" if gap > timedelta(0) else f"in {distance(-gap)}"
    return _element(value, f"{_local(value, _zone(context))} · {_utc(value)}", text)
