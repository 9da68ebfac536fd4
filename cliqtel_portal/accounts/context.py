"""What the shell of every page shows."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from cliqtel_portal.accounts import permissions


def shell(request: HttpRequest) -> dict[str, Any]:
    """Tenant, memberships and what the role may, where `portal_view` has let the person in."""
    membership = getattr(request, "membership", None)
    if membership is None:
        return {"tenant": None, "memberships": []}
    role = membership.role
    return {
        "tenant": membership.tenant,
        "membership": membership,
        "memberships": getattr(request, "memberships", []),
        "may_use_ai_access": permissions.may_use_ai_access(role),
        "may_manage_all_tokens": permissions.may_manage_all_tokens(role),
    }
