"""The role table of product.md, cell by cell."""

from __future__ import annotations

import pytest
from django.conf import settings

from cliqtel_portal.accounts import permissions
from cliqtel_portal.accounts.models import Membership, Tenant

PREDICATES = (
    "may_read_portal",
    "may_use_ai_access",
    "may_tag_numbers",
    "may_decide_approvals",
    "may_manage_all_tokens",
    "may_edit_policies",
    "may_edit_account",
    "may_restore_numbers",
    "may_set_emergency_addresses",
    "may_see_trunk_passwords",
    "may_see_members",
    "may_manage_members",
)
TABLE = {
    "viewer": (True, False, False, False, False, False, False, False, False, False, False, False),
    "member": (True, True, True, False, False, False, False, False, False, False, False, False),
    "approver": (True, True, True, True, False, False, False, False, False, False, False, False),
    "admin": (True, True, True, True, True, True, True, True, True, True, True, False),
    "owner": (True, True, True, True, True, True, True, True, True, True, True, True),
    "": (False, False, False, False, False, False, False, False, False, False, False, False),
    "superuser": (
        False,
        False,
        False,
        False,
        False,
        False,
        False,
        False,
        False,
        False,
        False,
        False,
    ),
}
READ = {"mcp.inventory.read", "mcp.pricing.read", "mcp.docs.read", "mcp.callflows.read"}
DRAFT = {"mcp.callflows.draft", "mcp.orders.draft"}
PRIVILEGED = {"mcp.numbers.purchase", "mcp.routing.write", "mcp.messaging.send"}
SCOPES_OF_ROLE = {
    "viewer": set(),
    "member": READ | DRAFT,
    "approver": READ | DRAFT | PRIVILEGED,
    "admin": READ | DRAFT | PRIVILEGED,
    "owner": READ | DRAFT | PRIVILEGED,
    "superuser": set(),
}
SCOPES_OF_TIER = {
    "discover": READ,
    "automate": READ | DRAFT | PRIVILEGED,
    "embed": READ | DRAFT | PRIVILEGED,
}


def test_the_table_has_every_role_every_predicate_every_scope() -> None:
    assert set(Membership.Role.values) <= set(TABLE)
    assert {name for name in vars(permissions) if name.startswith("may_")} == set(PREDICATES)
    assert set(settings.MCP_SCOPES) == READ | DRAFT | PRIVILEGED
    assert set(Tenant.Tier.values) == set(SCOPES_OF_TIER)


@pytest.mark.parametrize("role", TABLE)
def test_a_role_may_what_the_table_says(role: str) -> None:
    assert tuple(getattr(permissions, name)(role) for name in PREDICATES) == TABLE[role]


@pytest.mark.parametrize("role", SCOPES_OF_ROLE)
@pytest.mark.parametrize("tier", SCOPES_OF_TIER)
def test_a_token_can_hold_what_role_and_tier_both_allow(role: str, tier: str) -> None:
    assert permissions.scopes_of_role(role) == SCOPES_OF_ROLE[role]
    assert permissions.scopes_of_tier(tier) == SCOPES_OF_TIER[tier]
    assert (
        permissions.grantable_scopes(role=role, tenant=Tenant(tier=tier))
        == SCOPES_OF_ROLE[role] & SCOPES_OF_TIER[tier]
    )


@pytest.mark.parametrize("scope", sorted(READ | DRAFT | PRIVILEGED))
def test_the_role_needed_is_the_lowest_that_may_hold_the_scope(scope: str) -> None:
    lowest = next(role for role in Membership.Role.values if scope in SCOPES_OF_ROLE[role])

    assert permissions.role_needed_for(scope) == lowest
