"""Every "may X" of the role table (product.md, Roles). Asked by pages, API and tools alike.

Roles are ordered: each may do all that those before it may. A predicate takes a role, never a
user: a person may have different roles in two tenants.
"""

from __future__ import annotations

from django.conf import settings

from cliqtel_portal.accounts.models import Membership, Tenant

Role = Membership.Role

_ORDER = [Role.VIEWER, Role.MEMBER, Role.APPROVER, Role.ADMIN, Role.OWNER]
_RANK = {role.value: rank for rank, role in enumerate(_ORDER)}

_TIER_ORDER = {"discover": 0, "automate": 1, "embed": 2}
# Changing something, once approved, is an approver's; reading and drafting is a member's.
_APPROVER_SCOPES = frozenset({"mcp.numbers.purchase", "mcp.routing.write", "mcp.messaging.send"})


def _at_least(role: str, needed: str) -> bool:
    return _RANK.get(role, -1) >= _RANK[needed]


def may_read_portal(role: str) -> bool:
    return _at_least(role, Role.VIEWER)


def may_use_ai_access(role: str) -> bool:
    """Have tokens and apps of one's own, see one's own activity."""
    return _at_least(role, Role.MEMBER)


def may_decide_approvals(role: str) -> bool:
    return _at_least(role, Role.APPROVER)


def may_manage_all_tokens(role: str) -> bool:
    """See and end everyone's tokens, apps and activity in the tenant."""
    return _at_least(role, Role.ADMIN)


def may_edit_policies(role: str) -> bool:
    """Approval policy, messaging limits, Slack."""
    return _at_least(role, Role.ADMIN)


def may_edit_account(role: str) -> bool:
    """The account's time zone, and how its pages write amounts."""
    return _at_least(role, Role.ADMIN)


def may_tag_numbers(role: str) -> bool:
    """Write on numbers what they are for: it changes no call and costs nothing."""
    return _at_least(role, Role.MEMBER)


def may_restore_numbers(role: str) -> bool:
    """Bring back a number that was given up."""
    return _at_least(role, Role.ADMIN)


def may_set_emergency_addresses(role: str) -> bool:
    """Say where help is sent when somebody calls 112 or 911 from a number."""
    return _at_least(role, Role.ADMIN)


def may_see_trunk_passwords(role: str) -> bool:
    """Have a trunk's SIP password shown, after their own; and who had it shown before."""
    return _at_least(role, Role.ADMIN)


def may_see_members(role: str) -> bool:
    """Whose tokens one manages, one knows."""
    return _at_least(role, Role.ADMIN)


def may_manage_members(role: str) -> bool:
    return _at_least(role, Role.OWNER)


def scopes_of_role(role: str) -> frozenset[str]:
    """The scopes that a person with this role may put on a token, in any tier."""
    if not may_use_ai_access(role):
        return frozenset()
    every = frozenset(settings.MCP_SCOPES)
    return every if _at_least(role, Role.APPROVER) else every - _APPROVER_SCOPES


def scopes_of_tier(tier: str) -> frozenset[str]:
    return frozenset(
        name
        for name, scope in settings.MCP_SCOPES.items()
        if _TIER_ORDER[scope["tier"]] <= _TIER_ORDER[tier]
    )


def role_needed_for(scope: str) -> str:
    """The lowest role whose tokens may carry the scope."""
    return Role.APPROVER.value if scope in _APPROVER_SCOPES else Role.MEMBER.value


def grantable_scopes(*, role: str, tenant: Tenant) -> frozenset[str]:
    """What a token of this role in this tenant can hold now."""
    return scopes_of_role(role) & scopes_of_tier(tenant.tier)
