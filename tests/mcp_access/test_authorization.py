"""Which tools are open, listed or closed, and why: one predicate for the list and the call."""

from __future__ import annotations

import dataclasses
import uuid
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cliqtel_portal.accounts.models import Tenant, User
from cliqtel_portal.errors import NotPermitted, PortalError, TierRequired
from mcp_access.authorization import InsufficientScope, access_error, check_access, is_visible
from mcp_access.call import current_principal
from mcp_access.principal import Principal
from mcp_access.server import _list_tools
from mcp_access.tools import registry
from mcp_access.tools.tool import Tool

ROLES = ("viewer", "member", "approver", "admin", "owner")
TIERS = ("discover", "automate", "embed")
READ = {"mcp.inventory.read", "mcp.pricing.read", "mcp.docs.read", "mcp.callflows.read"}
DRAFT = {"mcp.callflows.draft", "mcp.orders.draft"}
CHANGE = {"mcp.numbers.purchase", "mcp.routing.write", "mcp.messaging.send"}
SCOPES = READ | DRAFT | CHANGE

roles = st.sampled_from(ROLES)
tiers = st.sampled_from(TIERS)
scope_sets = st.frozensets(st.sampled_from(sorted(SCOPES)))


def of_tier(tier: str) -> set[str]:
    return READ if tier == "discover" else SCOPES


def of_role(role: str) -> set[str]:
    return {"viewer": set(), "member": READ | DRAFT}.get(role, SCOPES)


def principal(role: str, tier: str, granted: frozenset[str] = frozenset()) -> Principal:
    """As authentication makes one: what the token was given, cut to role and tier."""
    return Principal(
        tenant=Tenant(slug="t", name="T", tier=tier),
        user=User(email="p@example.test"),
        role=role,
        token_id=uuid.uuid4(),
        token_name="t",
        token_kind="static",
        token_expires_at=datetime(2027, 1, 1, tzinfo=UTC),
        client_id="",
        client_name="",
        granted_scopes=granted,
        scopes=granted & of_role(role) & of_tier(tier),
        burst_per_minute=60,
        calls_per_month=None,
        month_is_hard=False,
        connections=None,
        address="",
    )


def tools() -> list[Tool]:
    """Every tool there is, and one for each scope, whether or not a tool asks for it yet."""
    whoami = registry.all_tools()["whoami"]
    made = [dataclasses.replace(whoami, name=f"needs_{scope}", scope=scope) for scope in SCOPES]
    return [*registry.all_tools().values(), *made]


def tool_of(scope: str | None) -> Tool:
    return next(tool for tool in tools() if tool.scope == scope)


def error_of(role: str, tier: str, scope: str | None, *granted: str) -> PortalError | None:
    return access_error(principal(role, tier, frozenset(granted)), tool_of(scope))


def test_a_tool_without_a_scope_is_open_to_all() -> None:
    for role in ROLES:
        for tier in TIERS:
            assert error_of(role, tier, None) is None


def test_the_tier_is_named_before_the_role_and_the_role_before_the_scope() -> None:
    # All three stand against a member of a Discover tenant.
    assert isinstance(error_of("member", "discover", "mcp.numbers.purchase"), TierRequired)
    assert isinstance(error_of("member", "automate", "mcp.numbers.purchase"), NotPermitted)
    assert isinstance(error_of("approver", "automate", "mcp.numbers.purchase"), InsufficientScope)
    assert error_of("approver", "automate", "mcp.numbers.purchase", "mcp.numbers.purchase") is None


def test_a_scope_on_the_token_does_not_help_against_tier_or_role() -> None:
    scope = "mcp.numbers.purchase"
    assert isinstance(error_of("owner", "discover", scope, scope), TierRequired)
    assert isinstance(error_of("member", "automate", scope, scope), NotPermitted)


def test_scopes_do_not_imply_each_other() -> None:
    for scope in SCOPES:
        error = error_of("owner", "embed", scope, *(SCOPES - {scope}))
        assert isinstance(error, InsufficientScope), scope


@pytest.mark.parametrize(
    ("role", "tier", "scope", "code", "words"),
    [
        ("owner", "discover", "mcp.orders.draft", "tier_required", "higher tier than Discover"),
        ("member", "embed", "mcp.routing.write", "not_permitted", "needs the role approver"),
        ("member", "embed", "mcp.docs.read", "insufficient_scope", "lacks the scope mcp.docs.read"),
    ],
)
def test_the_words_say_who_can_help(
    role: str, tier: str, scope: str, code: str, words: str
) -> None:
    error = error_of(role, tier, scope)
    assert error is not None
    assert error.code == code
    assert words in error.message


@given(role=roles, tier=tiers, granted=scope_sets)
def test_open_and_listed_are_what_the_product_says(
    role: str, tier: str, granted: frozenset[str]
) -> None:
    caller = principal(role, tier, granted)
    grantable = of_role(role) & of_tier(tier)
    for tool in tools():
        error = access_error(caller, tool)
        assert (error is None) is (tool.scope is None or tool.scope in granted & grantable)
        # Listed: what is open, and what asking for a scope would open.
        assert is_visible(caller, tool) is (tool.scope is None or tool.scope in grantable)
        assert isinstance(error, InsufficientScope) is (
            is_visible(caller, tool) and error is not None
        )


@given(role=roles, tier=tiers, granted=scope_sets)
def test_the_call_refuses_just_what_the_predicate_refuses(
    role: str, tier: str, granted: frozenset[str]
) -> None:
    caller = principal(role, tier, granted)
    for tool in tools():
        expected = access_error(caller, tool)
        if expected is None:
            check_access(caller, tool)
            continue
        with pytest.raises(type(expected)) as caught:
            check_access(caller, tool)
        assert caught.value.message == expected.message


async def test_the_list_is_the_visible_tools_in_the_order_of_names() -> None:
    for role in ROLES:
        for tier in TIERS:
            for granted in (frozenset(), frozenset({"mcp.docs.read"}), frozenset(SCOPES)):
                caller = principal(role, tier, granted)
                token = current_principal.set(caller)
                try:
                    listed = await _list_tools(None, None)  # type: ignore[arg-type]
                finally:
                    current_principal.reset(token)
                names = [tool.name for tool in listed.tools]
                assert names == sorted(names)
                assert names == [
                    name
                    for name, tool in registry.all_tools().items()
                    if tool.scope is None or tool.scope in of_role(role) & of_tier(tier)
                ]


def test_every_scope_of_a_tool_is_one_of_the_product() -> None:
    assert {tool.scope for tool in registry.all_tools().values()} - {None} <= SCOPES
