"""May what was asked for still be done on behalf of who asked? Checked at the click and before."""

from __future__ import annotations

import uuid

from django.utils import timezone

from approvals.models import Approval
from audit.models import ToolCall
from cliqtel_portal.accounts.models import Membership, Tenant
from cliqtel_portal.accounts.permissions import may_use_ai_access, scopes_of_role, scopes_of_tier
from cliqtel_portal.errors import NotPermitted
from mcp_access.models import AccessToken, RefreshToken
from mcp_access.restrictions import left_of


class AuthorityEnded(NotPermitted):
    """Token, scope, role or membership behind a draft is gone."""


def check_authority(approval: Approval) -> None:
    """Return if the requester, and the token they drafted with, could draft the same now.

    Raises:
        AuthorityEnded
    """
    member = (
        Membership.objects.live()
        .filter(tenant=approval.tenant, user=approval.requester_id, user__is_active=True)
        .first()
    )
    if member is None or not may_use_ai_access(member.role):
        raise AuthorityEnded(
            "The person who asked for this may no longer do so. Reject it, or have it drafted anew."
        )
    if approval.token_id is None:
        return
    granted = live_scopes(approval.tenant, approval.token_id)
    if granted is None:
        raise AuthorityEnded(
            "The token that asked for this was revoked or has expired. Reject it, or have it"
            " drafted anew."
        )
    allowed = granted & scopes_of_role(member.role) & scopes_of_tier(approval.tenant.tier)
    needed = _scope_of_draft(approval)
    if needed and needed not in allowed:
        raise AuthorityEnded(
            f"The token that asked for this no longer holds {needed}, or may only read since an"
            " alert. Reject it, or have it drafted anew."
        )


def live_scopes(tenant: Tenant, token_id: uuid.UUID) -> frozenset[str] | None:
    """The scopes of the token, or of what has taken over from it; None: all of it is over.

    A static token goes on in its successor of a rotation, an OAuth access token of one hour in its
    session.
    """
    token = AccessToken.objects.for_tenant(tenant).filter(pk=token_id).first()
    if token is None:
        return None
    if token.kind == AccessToken.Kind.OAUTH:
        return _session_scopes(token)
    while token.state in {"revoked", "expired"} and token.replaced_by is not None:
        token = token.replaced_by
    if token.state in {"revoked", "expired"}:
        return None
    return left_of(frozenset(token.scope.split()), token.restricted_at)


def _session_scopes(token: AccessToken) -> frozenset[str] | None:
    families = RefreshToken.objects.filter(access_token=token).values("token_family")
    live = RefreshToken.objects.filter(
        token_family__in=families, revoked__isnull=True, expires_at__gt=timezone.now()
    )
    session = live.select_related("access_token").first()
    if session is not None:
        newest = session.access_token or token
        return left_of(frozenset(str(session.scope).split()), newest.restricted_at)
    if token.state in {"revoked", "expired"}:
        return None
    return left_of(frozenset(str(token.scope).split()), token.restricted_at)


def _scope_of_draft(approval: Approval) -> str:
    """What the tool that was called asks for, as the log has it."""
    if approval.call_id is None:
        return ""
    call = ToolCall.objects.filter(pk=approval.call_id, tenant_id=approval.tenant_id)
    return call.values_list("scope_required", flat=True).first() or ""
