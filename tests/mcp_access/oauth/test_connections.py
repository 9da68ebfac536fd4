from __future__ import annotations

import pytest
from django.utils import timezone

from mcp_access.connections import connections_of, count_connections
from mcp_access.models import AccessToken
from tests.factories.mcp_access import make_token
from tests.mcp_access.oauth.host import Host

pytestmark = pytest.mark.django_db


def test_an_app_of_two_people_is_two_connections_each_with_its_own_last_use(client, alice, bob):
    host = Host(client).connect(alice)
    client.force_login(bob.user)
    host.redeem(host.code())
    make_token(alice)
    AccessToken.objects.filter(user=bob.user).update(last_used_at=timezone.now())
    assert count_connections(alice.tenant) == 3
    apps = {one.person: one for one in connections_of(alice) if one.kind == "oauth"}
    assert apps[bob.user.display_name].last_used_at is not None
    assert apps[alice.user.display_name].last_used_at is None
    assert [one.person for one in connections_of(bob)] == [bob.user.display_name]


def test_several_sessions_of_one_person_with_an_app_are_one_connection(client, alice):
    host = Host(client).connect(alice)
    host.redeem(host.code())
    assert count_connections(alice.tenant) == 1


def test_a_strangers_connections_are_not_counted(client, alice, mallory):
    Host(client).connect(mallory)
    assert count_connections(alice.tenant) == 0
    assert connections_of(alice) == []
