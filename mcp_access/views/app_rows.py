"""A connected app as a page shows it: its state in one word, its scopes in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings

from cliqtel_portal.accounts import permissions
from cliqtel_portal.accounts.models import Membership
from mcp_access.models import Consent
from mcp_access.oauth.connected_apps import ConnectedApp, Session, sessions_of
from mcp_access.views import scopes

_STATES = {
    "connected": ("Connected", "ok"),
    "signing-in": ("Signing in", "info"),
    "blocked": ("Owner lost access", "bad"),
    "swept": ("Ended: token reused", "bad"),
    "revoked": ("Revoked", "bad"),
    "ended": ("Ended", ""),
}


@dataclass(frozen=True, kw_only=True)
class AppRow:
    """`owner` is None where the person has left the account; then, or without a role: blocked."""

    app: ConnectedApp
    owner: Membership | None
    state: str
    label: str
    tone: str
    scopes: str
    titles: list[str]
    is_own: bool


@dataclass(frozen=True, kw_only=True)
class AskedLine:
    """A scope that the app asked for. `locked` says why a given one has no effect now."""

    name: str
    title: str
    is_given: bool
    locked: str


@dataclass(frozen=True, kw_only=True)
class SessionRow:
    """`was_swept`: it ended because an old refresh token was used again."""

    session: Session
    scopes: str
    was_swept: bool


def app_rows(actor: Membership, apps: Sequence[ConnectedApp]) -> list[AppRow]:
    """One for each app, in the same order. Costs one query, whatever their number."""
    owners = {
        membership.user_id: membership
        for membership in Membership.objects.live().filter(
            tenant=actor.tenant,
            user__is_active=True,
            user_id__in={app.consent.user_id for app in apps},
        )
    }
    return [_row(actor, app, owners.get(app.consent.user_id)) for app in apps]


def asked_lines(owner: Membership, consent: Consent) -> list[AskedLine]:
    """All that the app asked for, with what it was given and what that is worth now."""
    given = consent.scope.split()
    asked = {*consent.asked_scope.split(), *given}
    return [
        AskedLine(
            name=name,
            title=scope["title"],
            is_given=name in given,
            locked=scopes.lock_reason(owner, name) if name in given else "",
        )
        for name, scope in settings.MCP_SCOPES.items()
        if name in asked
    ]


def session_rows(consent: Consent) -> list[SessionRow]:
    return [
        SessionRow(
            session=session,
            scopes=scopes.summary(session.scope.split()),
            was_swept=_was_swept(consent, session),
        )
        for session in sessions_of(consent)
    ]


def _was_swept(consent: Consent, session: Session) -> bool:
    """A sweep ends its sessions a moment before it is on record."""
    if consent.swept_at is None or session.ended_at is None:
        return False
    return abs(consent.swept_at - session.ended_at) < timedelta(seconds=2)


def _row(actor: Membership, app: ConnectedApp, owner: Membership | None) -> AppRow:
    if owner is not None:
        owner.tenant = actor.tenant
    has_access = owner is not None and permissions.may_use_ai_access(owner.role)
    state = _state(app, has_access=has_access)
    label, tone = _STATES[state]
    given = app.consent.scope.split()
    return AppRow(
        app=app,
        owner=owner,
        state=state,
        label=label,
        tone=tone,
        scopes=scopes.summary(given),
        titles=[scope["title"] for name, scope in settings.MCP_SCOPES.items() if name in given],
        is_own=app.consent.user_id == actor.user_id,
    )


def _state(app: ConnectedApp, *, has_access: bool) -> str:
    consent = app.consent
    if app.is_live and not has_access:
        return "blocked"
    if app.live_sessions:
        return "connected"
    if app.is_live:
        return "signing-in"
    if consent.revoked_at is not None:
        return "revoked"
    # A consent after the sweep began anew.
    if consent.swept_at is not None and consent.swept_at >= consent.last_at:
        return "swept"
    return "ended"
