from __future__ import annotations

from mcp_access.pipeline import execute_tool_call_sync
from tests.factories.mcp_access import make_token, principal_of


def whoami(principal):
    return execute_tool_call_sync(principal, "whoami", {}).result.model_dump(exclude_none=True)


def test_account_person_and_token_are_named(bob):
    found = whoami(principal_of(bob))
    assert found["tenant"] == {"slug": "acme-test", "name": "Acme Test", "tier": "automate"}
    assert found["user"]["email"] == "bob@acme.example"
    assert found["user"]["role"] == "member"
    assert found["token"]["kind"] == "static"
    assert found["scopes"] == [
        "mcp.callflows.read",
        "mcp.docs.read",
        "mcp.inventory.read",
        "mcp.pricing.read",
    ]


def test_limits_are_those_left_now(alice, mallory):
    principal = principal_of(alice)
    make_token(alice)
    make_token(mallory)
    whoami(principal)
    limits = whoami(principal)["limits"]
    assert limits["month"]["used"] == 2
    assert limits["month"]["limit"] == 100_000
    assert limits["month"]["remaining"] == 99_998
    assert limits["month"]["overage_price_eur"] == "0.0005"
    assert limits["month"]["resets_at"].endswith("-01T00:00:00Z")
    assert limits["connections"] == {"used": 2, "limit": 5}
    assert limits["burst"]["limit_per_minute"] == 300


def test_unlimited_is_absent(alice):
    alice.tenant.tier = "embed"
    alice.tenant.save()
    limits = whoami(principal_of(alice))["limits"]
    assert "limit" not in limits["month"]
    assert "limit" not in limits["connections"]


def test_closed_tools_come_with_the_reason(alice):
    found = whoami(principal_of(alice, scopes=("mcp.docs.read",)))
    closed = {tool["name"]: tool for tool in found["unavailable_tools"]}
    assert closed["list_inventory"]["code"] == "insufficient_scope"
    assert closed["list_inventory"]["scope"] == "mcp.inventory.read"
    assert closed["list_inventory"]["listed"] is True
    assert "search_docs" not in closed


def test_it_needs_no_scope_and_few_queries(alice, django_assert_num_queries):
    principal = principal_of(alice, scopes=())
    with django_assert_num_queries(5):  # open, month, two kinds of connections, close
        found = whoami(principal)
    assert found["scopes"] == []


def test_nothing_of_another_tenant(alice, mallory):
    whoami(principal_of(alice))
    found = whoami(principal_of(mallory))
    assert found["tenant"]["slug"] == "malice"
    assert found["limits"]["month"]["used"] == 1
