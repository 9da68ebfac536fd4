"""What stops when (oauth.md), for static tokens and OAuth alike, at the endpoint itself.

That open sockets close belongs to the sockets, which are not here yet.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from cliqtel_portal.accounts.models import Membership, Tenant, User
from mcp_access.models import AccessToken
from tests.factories.accounts import MembershipFactory
from tests.factories.mcp_access import make_token
from tests.mcp_access.oauth.host import Host

pytestmark = [pytest.mark.wire, pytest.mark.django_db(transaction=True)]

SCOPES = ("mcp.inventory.read", "mcp.callflows.draft", "mcp.numbers.purchase")


@pytest.fixture(params=["static", "oauth"])
def token(request, client: Client, alice: Membership) -> str:
    """A live bearer of alice's with a read, a draft and an approver's scope."""
    if request.param == "static":
        plaintext = make_token(alice, scopes=SCOPES)[1]
    else:
        host = Host(client).connect(alice, scope=" ".join(SCOPES))
        plaintext = str(host.tokens["access_token"])
    assert AccessToken.objects.get().kind == request.param
    return plaintext


@pytest.fixture
def scopes(post: Any) -> Callable[[str], set[str]]:
    """What the endpoint says that a token may do now."""

    def ask(token: str) -> set[str]:
        answer = post(token, "tools/call", {"name": "whoami", "arguments": {}})
        assert answer.status_code == 200, answer.text
        return set(answer.json()["result"]["structuredContent"]["scopes"])

    return ask


def set_role(membership: Membership, role: str) -> None:
    Membership.objects.filter(pk=membership.pk).update(role=role)


def set_tenant(tenant: Tenant, **fields: str) -> None:
    Tenant.objects.filter(pk=tenant.pk).update(**fields)


def test_a_lower_role_shrinks_the_scopes_on_the_next_request(token, alice, scopes):
    assert scopes(token) == set(SCOPES)
    set_role(alice, "member")
    assert scopes(token) == {"mcp.inventory.read", "mcp.callflows.draft"}
    set_role(alice, "approver")
    assert scopes(token) == set(SCOPES), "a role given back gives back what was consented"


def test_a_higher_role_gives_no_more_than_the_token_has(token, bob, alice, scopes):
    set_role(alice, "approver")
    set_role(alice, "owner")
    assert scopes(token) == set(SCOPES)


def test_a_role_without_ai_access_ends_entry_on_the_next_request(token, alice, post):
    assert post(token, "ping").status_code == 200
    set_role(alice, "viewer")
    assert post(token, "ping").status_code == 401


def test_a_lower_tier_shrinks_the_scopes_on_the_next_request(token, alice, scopes):
    set_tenant(alice.tenant, tier="discover")
    assert scopes(token) == {"mcp.inventory.read"}


def suspend(alice: Membership) -> None:
    set_tenant(alice.tenant, status="suspended")


def disable(alice: Membership) -> None:
    User.objects.filter(pk=alice.user_id).update(is_active=False)


def end_membership(alice: Membership) -> None:
    Membership.objects.filter(pk=alice.pk).update(ended_at=timezone.now())


@pytest.mark.parametrize("happens", [suspend, disable, end_membership])
def test_entry_ends_on_the_next_request(token, alice, bob, post, happens):
    others = make_token(MembershipFactory(role="owner"))[1]
    assert post(token, "ping").status_code == 200

    happens(alice)

    for method in ("ping", "tools/list", "tools/call"):
        answer = post(token, method, {"name": "whoami", "arguments": {}})
        assert answer.status_code == 401
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    assert post(others, "ping").status_code == 200


@pytest.mark.parametrize("happens", [disable, end_membership])
def test_colleagues_are_not_touched(token, alice, bob, post, happens):
    colleagues = make_token(bob)[1]
    happens(alice)
    assert post(colleagues, "ping").status_code == 200


def test_leaving_one_tenant_leaves_the_others(token, alice, post):
    elsewhere = MembershipFactory(user=alice.user, role="owner")
    other = make_token(elsewhere)[1]
    end_membership(alice)
    assert post(token, "ping").status_code == 401
    assert post(other, "ping").status_code == 200


def test_a_changed_password_ends_oauth_and_leaves_static_tokens(token, alice, post):
    kind = AccessToken.objects.get().kind
    alice.user.set_password("staple of a new length")
    alice.user.save()
    assert post(token, "ping").status_code == (200 if kind == "static" else 401)
