"""A token as a page shows it: its state in one word, and what this person may do with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import timezone

from cliqtel_portal.accounts import permissions
from cliqtel_portal.accounts.models import Membership
from mcp_access import services
from mcp_access.models import AccessToken
from mcp_access.views import scopes
from mcp_access.views.token_use import is_unused

_STATES = {
    "active": ("Active", "ok"),
    "expiring": ("Expiring", "warn"),
    "pending": ("Pending", "info"),
    "expired": ("Expired", ""),
    "revoked": ("Revoked", "bad"),
    "restricted": ("Only reads", "bad"),
    "rotated": ("Rotated", "warn"),
    "blocked": ("Owner lost access", "bad"),
}
_ENDED = ("expired", "revoked")


@dataclass(frozen=True, kw_only=True)
class TokenRow:
    """`state` adds to the token's own: rotated (a successor exists), restricted and blocked.

    Blocked: its owner left the account or has a role without AI access; `owner` is None, or says.
    """

    token: AccessToken
    owner: Membership | None
    state: str
    label: str
    tone: str
    scopes: str
    is_live: bool
    is_own: bool
    is_unused: bool
    may_rotate: bool


def rows(actor: Membership, tokens: Sequence[AccessToken]) -> list[TokenRow]:
    """One for each token, in the same order. Costs one query, whatever their number."""
    owners = {
        membership.user_id: membership
        for membership in Membership.objects.live().filter(
            tenant=actor.tenant,
            user__is_active=True,
            user_id__in={token.user_id for token in tokens},
        )
    }
    return [_row(actor, token, owners.get(token.user_id)) for token in tokens]


def live_first(tokens: Sequence[AccessToken]) -> list[AccessToken]:
    """Those that still work before those that ended; otherwise as they come."""
    return sorted(tokens, key=lambda token: not _is_live(token))


def own_connections(actor: Membership) -> list[AccessToken]:
    """The tenant's connections that `actor` may end, longest unused first."""
    connected = set(
        AccessToken.objects.for_tenant(actor.tenant).connections().values_list("pk", flat=True)
    )
    found = [token for token in services.visible_tokens(actor) if token.pk in connected]
    return sorted(found, key=lambda token: token.last_used_at or token.created)


def _is_live(token: AccessToken) -> bool:
    return token.revoked_at is None and token.expires > timezone.now()


def _row(actor: Membership, token: AccessToken, owner: Membership | None) -> TokenRow:
    if owner is not None:
        owner.tenant = actor.tenant
    has_access = owner is not None and permissions.may_use_ai_access(owner.role)
    state = token.state
    if token.replaced_by_id is not None and state != "revoked":
        state = "rotated"
    elif not has_access and state not in _ENDED:
        state = "blocked"
    elif token.restricted_at is not None and state in {"active", "expiring"}:
        state = "restricted"
    label, tone = _STATES[state]
    is_own = token.user_id == actor.user_id
    is_live = _is_live(token)
    return TokenRow(
        token=token,
        owner=owner,
        state=state,
        label=label,
        tone=tone if is_live or state == "revoked" else "",
        scopes=scopes.summary(token.scope.split()),
        is_live=is_live,
        is_own=is_own,
        is_unused=is_unused(token),
        may_rotate=is_own and is_live and token.replaced_by_id is None,
    )
