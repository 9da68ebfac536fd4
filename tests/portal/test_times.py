"""Every moment on every page is in the tenant's zone, and machines can read it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from html.parser import HTMLParser
from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from cliqtel_portal import formats
from tests.portal.pages import Walk
from tests.portal.world import World

pytestmark = pytest.mark.django_db

# Half a day from everywhere that code might have in mind.
ZONE = ZoneInfo("Pacific/Auckland")
_MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
# Not a day of the calendar alone: a flow's holidays are in no zone.
_DATE = re.compile(rf"\b\d{{1,2}} (?:{_MONTHS})[a-z]*\b|\b\d\d:\d\d:\d\d\b")
_RELATIVE = re.compile(r"ago$|^in |^just now$")
# What is quoted as it was written or sent, and what is chosen from.
_QUOTES = {
    "pre",
    "code",
    "blockquote",
    "script",
    "style",
    "title",
    "option",
    "textarea",
    "template",
}
# How dates would look with another choice.
SAMPLES = {"/settings/account/"}


class Times(HTMLParser):
    """`times`: each <time>'s attributes and text; `bare`: texts outside that hold a date."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.times: list[tuple[dict[str, str | None], str]] = []
        self.bare: list[str] = []
        self._within: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _QUOTES or tag == "time":
            self._within.append(tag)
        if tag == "time":
            self.times.append((dict(attrs), ""))

    def handle_endtag(self, tag: str) -> None:
        if self._within and self._within[-1] == tag:
            self._within.pop()

    def handle_data(self, data: str) -> None:
        if self._within[-1:] == ["time"]:
            has, text = self.times[-1]
            self.times[-1] = (has, text + data)
        elif not self._within and _DATE.search(data):
            self.bare.append(" ".join(data.split()))


def problems_of(html: str) -> Iterator[str]:
    found = Times(html)
    yield from found.bare
    for has, text in found.times:
        stamp = has.get("datetime") or ""
        if len(stamp) == 10:
            expected = {formats.day(datetime.fromisoformat(stamp))}
        else:
            moment = datetime.fromisoformat(stamp)
            if moment.tzinfo is None:
                yield f"{stamp} has no offset"
                continue
            local = moment.astimezone(ZONE)
            expected = {formats.day(local), formats.day_and_time(local)}
            expected.add(formats.day_and_second(local))
            if stamp.count("."):
                expected = {f"{local:%Y-%m-%d %H:%M:%S}.{local.microsecond // 1000:03} {local:%Z}"}
            if "UTC" not in (has.get("title") or ""):
                yield f"{stamp} has no UTC on hover"
        if text not in expected and not _RELATIVE.search(text):
            yield f"{text} is not {stamp} in {ZONE}"


def test_every_page_is_in_the_tenants_zone(world: World) -> None:
    world.tenant.time_zone = ZONE.key
    world.tenant.save()
    client = Client()
    client.force_login(world["owner"].user)
    wrong, seen = {}, 0
    for page in Walk(client, *(f"/callflows/changes/{world.objects['change_id'].pk}/",)).pages:
        found = [] if page.path in SAMPLES else problems_of(page.html)
        wrong |= {f"{page.path}: {problem}": None for problem in found}
        seen += page.html.count("<time")
    assert "\n".join(wrong) == ""
    assert seen > 100
