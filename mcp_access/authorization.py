"""May this principal use this tool? One predicate, asked by the list and by the call."""

from __future__ import annotations

from cliqtel_portal.accounts.permissions import (
    role_needed_for,
    scopes_of_role,
    scopes_of_tier,
)
from cliqtel_portal.errors import NotPermitted, PortalError, TierRequired
from mcp_access.principal import Principal
from mcp_access.tools.tool import Tool


class InsufficientScope(PortalError):
    """The token lacks a scope that its person could give it."""

    code = "insufficient_scope"


def access_error(principal: Principal, tool: Tool) -> PortalError | None:
    """Why the tool is closed to the principal now; None if it is open.

    Tier and role come before the token's scopes: they say whether asking for more can help.
    """
    scope = tool.scope
    if scope is None or scope in principal.scopes:
        return None
    if scope not in scopes_of_tier(principal.tenant.tier):
        return TierRequired(
            f"{tool.name} needs a higher tier than {principal.tenant.get_tier_display()}. "
            "Ask Cliqtel to upgrade this account."
        )
    if scope not in scopes_of_role(principal.role):
        needed = role_needed_for(scope)
        return NotPermitted(
            f"{tool.name} needs the role {needed} in this account; this person has "
            f"{principal.role}. Ask an owner of the account."
        )
    if principal.is_restricted and scope in principal.granted_scopes:
        return NotPermitted(
            f"{tool.name} is closed: after an alert this token may only read. An admin of the"
            " account can lift that in the portal, under AI Access, Alerts."
        )
    return InsufficientScope(
        f"The token lacks the scope {scope}. Reconnect and allow it, or issue a token that has it."
    )


def check_access(principal: Principal, tool: Tool) -> None:
    """Return if the principal may call the tool.

    Raises:
        TierRequired, NotPermitted, InsufficientScope: in this order of precedence.
    """
    error = access_error(principal, tool)
    if error is not None:
        raise error


def is_visible(principal: Principal, tool: Tool) -> bool:
    """Listed: open, or closed only for want of a scope that the person could grant (step-up)."""
    error = access_error(principal, tool)
    return error is None or isinstance(error, InsufficientScope)
