"""Every form and every search of the portal with what nobody's keyboard writes.

An answer may refuse; it may not break, nor carry what came as more than text.
"""

from __future__ import annotations

from collections import defaultdict
from urllib.parse import parse_qsl, quote, urlencode

import pytest
from django.http.response import HttpResponseBase
from django.test import Client
from pytest_django import DjangoDbBlocker

from cliqtel_portal.numbers.models import PhoneNumber
from tests.mcp_access.token_form import CREATE, NEW, filled_in
from tests.portal.pages import Field, Form, Page, Walk, is_html, route_of, split
from tests.portal.world import World, undone

pytestmark = pytest.mark.django_db

# Elements that are ours in no page, out of every kind of quotes.
MARKUP = "'\"><xss-mark onload=xss></script></textarea></title><xss-mark>"
TEXTS = {
    "text": quote("=1+1 " + MARKUP + "{{7*7}}\r\nX-Mark: 1\u202egnp.exe 👩‍👩‍👧‍👦"),
    "NUL": "a%00b",
    "long": "A" * 100_000,
    "not UTF-8": "%ff%fe%80%ed%a0%80",
    "nothing in it": "",
}
NUMBERS = {
    "infinite": "1e400",
    "no number": "NaN",
    "negative": "-1",
    "many digits": "99999999999999999999",
    "tiny": "0.000000000000000000000000001",
    "another script's digit": quote("٣"),
}
# For what a page sends by itself, and only somebody else's program sends otherwise.
FORGED = {
    **{name: TEXTS[name] for name in ("text", "NUL", "not UTF-8")},
    "many digits": "99999999999999999999",
    "a uuid of nobody": "01990000-0000-7000-8000-000000000000",
}
_KEPT = {"csrfmiddlewaretoken"}


@pytest.fixture(scope="module")
def client(_built: World, django_db_blocker: DjangoDbBlocker) -> Client:
    """The owner's."""
    made = Client(raise_request_exception=False)
    with django_db_blocker.unblock():
        made.force_login(_built["owner"].user)
    return made


@pytest.fixture(scope="module")
def walk(_built: World, client: Client) -> Walk:
    free = PhoneNumber.objects.for_tenant(_built.tenant).filter(
        status="active", trunk__isnull=True, call_flow__isnull=True
    )
    return Walk(client, *(f"/numbers/{number.pk}/give-up/" for number in free))


def wrong_with(answer: HttpResponseBase) -> str:
    if answer.status_code >= 500:
        return str(answer.status_code)
    if "X-Mark" in answer.headers:
        return "a header"
    if is_html(answer):
        for tag, has in Page("", answer.content.decode()).elements:
            if tag == "xss-mark" or "xss" in has.get("onload", ""):
                return f"<{tag}>"
    return ""


def bodies(form: Form, data: dict[str, list[str]]) -> dict[str, str]:
    free = {each.name for each in form.fields if each.name and each.is_free} - _KEPT
    numbers = {each.name for each in form.fields if each.is_number}
    made = {"nothing": ""}
    made |= {name: _with(data, free, value) for name, value in TEXTS.items() if free}
    made |= {name: _with(data, numbers, value) for name, value in NUMBERS.items() if numbers}
    forged = set(data) - _KEPT
    return made | {f"forged {name}": _with(data, forged, value) for name, value in FORGED.items()}


def _with(data: dict[str, list[str]], names: set[str], value: str) -> str:
    kept = {name: each for name, each in data.items() if name not in names}
    return "&".join([urlencode(kept, doseq=True), *(f"{name}={value}" for name in sorted(names))])


def test_every_form_survives(world: World, client: Client, walk: Walk) -> None:
    forms = {form.kind: form for form in walk.forms()}
    review = Form(NEW, CREATE, "post")
    for name, value in filled_in(client).items():
        review.fields.append(Field("input", name, "hidden", str(value), ""))
    cookies, wrong = client.cookies.copy(), {}
    for form in (*forms.values(), review):
        address, data = next(form.submissions())
        for name, body in bodies(form, data).items():
            with undone():
                client.cookies = cookies.copy()
                sent = {"data": body, "content_type": "application/x-www-form-urlencoded"}
                # The page after it is where messages are, and the name of what was made.
                is_shown = name.endswith("text")
                problem = wrong_with(client.post(address, follow=is_shown, **sent))
            if problem:
                wrong[f"{address}, {name}"] = problem
    client.cookies = cookies
    assert wrong == {}


def test_every_search_survives(world: World, client: Client, walk: Walk) -> None:
    """Each page with all the names that any link or form gives its address."""
    asked: defaultdict[str, set[str]] = defaultdict(set)
    paths = {}
    for page in walk.pages:
        path, query = split(page.path)
        route = route_of(path)
        paths[route] = path
        asked[route] |= {name for name, _ in parse_qsl(query, keep_blank_values=True)}
    wrong = {}
    for route, names in asked.items():
        for name, value in {**TEXTS, **FORGED, **NUMBERS}.items() if names else ():
            query = "&".join(f"{each}={value}" for each in sorted(names))
            problem = wrong_with(client.get(f"{paths[route]}?{query}"))
            if problem:
                wrong[f"{paths[route]}, {name}"] = problem
    assert wrong == {}
