"""The whole URL map as people who have no business there: nothing is shown, nothing changes.

A new route is here by itself. One with an argument that nobody has met fails until `world` has an
object for it, or the lists below say why it needs none.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.apps import apps
from django.contrib.sessions.models import Session
from django.db import connection
from django.http.response import HttpResponseBase
from django.test import Client

from audit.export import link_of
from audit.models import Export
from cliqtel_portal.accounts.models import BrowserSession, User
from mcp_access.models import OAuthAttempt
from tests.portal.url_map import arguments_of, filled, is_regex, routes
from tests.portal.world import World, undone

pytestmark = pytest.mark.django_db

# Their argument is nothing of a tenant's.
NO_ONES = {
    "account/^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$": "a mailed secret",
    "account/invitation/<str:secret>/": "a mailed secret",
    "account/email/<str:token>/": "a mailed secret",
    "carriers/<slug:carrier>/webhook": "signed by the carrier",
    "docs/^(?P<slug>(?:tools/)?[-\\w]+)/$": "the same for everybody",
    "docs/^(?P<slug>(?:tools/)?[-\\w]+)\\.md$": "the same for everybody",
    # The tenant's own rule for one of our actions: each tenant's page has the same address.
    "settings/approvals/<slug:action>/": "an action of the portal",
    "api/v1/approval-policies/<slug:action>/": "an action of the portal",
}
# What is answered without a session.
PUBLIC = {
    ".well-known/oauth-authorization-server",
    ".well-known/oauth-protected-resource",
    ".well-known/oauth-protected-resource/mcp",
    "account/inactive/",
    "account/login/",
    "account/logout/",
    "account/password/reset/",
    "account/password/reset/done/",
    "account/password/reset/key/done/",
    "account/signup/",
    "healthz",
    "llms.txt",  # names of articles, the same for everybody
    "metrics",  # to the machine itself
    "readyz",
}
# Not objects by themselves: the part of one that the address names next to it.
PARTS = {"number": 1, "name": "pjsip.conf"}
# Written for whoever comes: a session, its time, a step that an app tried.
_LOGS = {Session, BrowserSession, User, OAuthAttempt}


def object_routes() -> list[str]:
    return [route for route in routes() if arguments_of(route) and route not in NO_ONES]


def paths(world: World) -> dict[str, str]:
    """Each route with an object, filled with acme's."""
    known = {name: found.pk for name, found in world.objects.items()} | PARTS
    strange = {route: set(arguments_of(route)) - set(known) for route in object_routes()}
    assert {route: names for route, names in strange.items() if names} == {}, (
        "give tests/portal/world.py an object for it, or say in NO_ONES why it needs none"
    )
    return {route: filled(route, known) for route in object_routes()}


def signed_in(user: User) -> Client:
    # An error is an answer here: the list of all of them says more than the first one.
    client = Client()
    client.force_login(user)
    return client


def ask(client: Client, path: str, data: dict[str, str] | None = None) -> list[HttpResponseBase]:
    if path.startswith("/api/"):
        json = {"data": {"digest": "0" * 64}, "content_type": "application/json"}
        return [client.get(path), client.post(path, **json), client.delete(path)]
    return [client.get(path, data), client.post(path, data)]


def statuses(client: Client, path: str, data: dict[str, str] | None = None) -> list[int]:
    return [answer.status_code for answer in ask(client, path, data)]


def stored() -> dict[str, str]:
    """A hash of every table's rows."""
    tables = {model._meta.db_table for model in apps.get_models() if model not in _LOGS}
    hashes = {}
    with connection.cursor() as cursor:
        for table in sorted(tables):
            name = connection.ops.quote_name(table)
            cursor.execute(f"SELECT md5(string_agg(t::text, '' ORDER BY t::text)) FROM {name} t")
            (hashes[table],) = cursor.fetchone()
    return hashes


@pytest.fixture
def unchanged(world: World) -> Iterator[None]:
    before = stored()
    yield
    after = stored()
    assert {table for table in after if after[table] != before[table]} == set()


def query(world: World, route: str) -> dict[str, str] | None:
    """What the address needs to be good for its owner: leaked, it is of no use to others."""
    if "trunks/" in route:
        return {"platform": "asterisk"}
    if "export_id" not in route:
        return None
    export = world.objects["export_id"]
    assert isinstance(export, Export)
    return {"link": link_of(export, world["owner"].user).partition("?link=")[2]}


def test_the_objects_are_there_for_their_owner(world: World) -> None:
    """Else a 404 for somebody else would say nothing."""
    client, wrong = signed_in(world["owner"].user), {}
    for route, path in paths(world).items():
        found = client.get(path, query(world, route)).status_code
        if found == 405:
            with undone():
                (found,) = set(statuses(client, path)) - {405}
        # 403: there, but for its requester only.
        if found == 404 or found >= 500:
            wrong[route] = found
    assert wrong == {}


@pytest.mark.usefixtures("unchanged")
def test_another_tenants_owner_finds_and_changes_nothing(world: World) -> None:
    client, wrong = signed_in(world.mallory.user), {}
    for route, path in paths(world).items():
        found = statuses(client, path, query(world, route))
        # 405: that method is for nobody there, but one is for somebody.
        if 404 not in found or not {404, 405}.issuperset(found):
            wrong[route] = found
    assert wrong == {}


@pytest.mark.usefixtures("unchanged")
def test_who_is_in_no_tenant_gets_nothing_of_any(world: World) -> None:
    client, wrong = signed_in(world.staff.user), {}
    for route, path in paths(world).items():
        found = statuses(client, path)
        if not {403, 404, 405}.issuperset(found) or set(found) == {405}:
            wrong[route] = found
    assert wrong == {}


@pytest.mark.usefixtures("unchanged")
def test_who_is_not_signed_in_gets_to_the_door_at_most(world: World) -> None:
    client, wrong = Client(raise_request_exception=False), {}
    known = paths(world)
    for route in routes():
        if is_regex(route) or route in PUBLIC:
            continue
        path = known.get(route) or filled(route, dict.fromkeys(arguments_of(route), "order_number"))
        for answer in ask(client, path):
            is_door = answer.headers.get("Location", "").startswith("/account/login/?next=")
            if not is_door and answer.status_code not in {400, 401, 403, 404, 405}:
                wrong[route] = answer.status_code
    assert wrong == {}


def test_no_page_of_another_tenant_names_anything_of_acmes(world: World) -> None:
    """Pages without an object in their address: lists, menus, counts."""
    client, told = signed_in(world.mallory.user), {}
    acmes = {str(found.pk) for found in world.objects.values()} | {
        str(world.tenant.pk),
        world.tenant.name,
        "acme-secret",
        *world.tenant.numbers.values_list("e164", flat=True),
        *world.tenant.trunks.values_list("name", flat=True),
        *world.tenant.call_flows.values_list("name", flat=True),
        *(str(person.user.email) for person in world.people.values()),
    }
    for route in routes():
        if arguments_of(route) or is_regex(route) or route.startswith(("docs/", "account/logout")):
            continue
        answer = client.get(f"/{route}")
        page = b"" if answer.streaming else answer.content
        found = {text for text in acmes if text.encode() in page}
        if found:
            told[route] = found
    assert told == {}
