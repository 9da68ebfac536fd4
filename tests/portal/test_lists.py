"""What a list asks the database doesn't grow with the tenant.

How long it takes at 10,000 numbers is measured by benchmarks/list_pages.py.
"""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.portal import many
from tests.portal.pages import is_html
from tests.portal.url_map import arguments_of, is_regex, routes
from tests.portal.world import World

pytestmark = pytest.mark.django_db

MOST = 15
# No list: it asks every app for a figure.
MOST_OF = {"/": 20}
SEARCHES = (
    "/numbers/?q=4930&status=active&country=NL",
    "/numbers/search/?country=NL",
    "/docs/?q=trunk",
    "/numbers/ai-access/activity/?q=status:error",
)


def pages() -> list[str]:
    """Every address without an object in it, and lists that somebody filters."""
    plain = [f"/{route}" for route in routes() if not arguments_of(route) and not is_regex(route)]
    return [*plain, *SEARCHES]


def queries(client: Client) -> dict[str, int]:
    found = {}
    for path in pages():
        with CaptureQueriesContext(
            connection,
        ) as captured:
            answer = client.get(path)
        if answer.status_code == 200 and is_html(answer):
            found[path] = len(captured)
    return found


def test_ten_times_as_many_rows_ask_no_more(world: World) -> None:
    client = Client()
    client.force_login(world["owner"].user)
    many.add(world["owner"], 200)
    client.get("/")
    few = queries(client)
    many.add(world["owner"], 1_800)
    lots = queries(client)
    assert len(few) > 20
    assert {path: count for path, count in lots.items() if count > MOST_OF.get(path, MOST)} == {}
    # One more is a question that only arises now; one for each row would be many.
    grown = {path: (few[path], lots[path]) for path in few if few[path] + 1 < lots[path]}
    assert grown == {}
