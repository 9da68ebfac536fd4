"""Whom a browser session speaks for, asked without a request: by sockets, again and again."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.models import Session
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from cliqtel_portal.accounts.http import choose_membership
from cliqtel_portal.accounts.models import Membership, User
from cliqtel_portal.accounts.permissions import may_read_portal
from cliqtel_portal.accounts.session_store import is_key


@dataclass(frozen=True, kw_only=True)
class Seat:
    """A signed-in person in one tenant; `membership.tenant` is loaded."""

    user: User
    membership: Membership

    def is_same_as(self, other: Seat) -> bool:
        """Nothing has changed that a page or a socket was opened on."""
        return (
            self.membership.pk == other.membership.pk
            and self.membership.role == other.membership.role
        )


def seats_of(session_keys: Collection[str], now: datetime | None = None) -> dict[str, Seat]:
    """Return the seat of each session that still has one: three queries for any number.

    Without a seat: signed out, expired, password changed since, user disabled, no live membership
    of a role that reads the portal. Sessions are Django's own, in the database.
    """
    rows = Session.objects.filter(
        session_key__in={key for key in session_keys if is_key(key)},
        expire_date__gt=now or timezone.now(),
    )
    sessions = {row.session_key: row.get_decoded() for row in rows}
    users = _users_of(sessions)
    memberships: dict[uuid.UUID, list[Membership]] = {user.pk: [] for user in users.values()}
    for membership in (
        Membership.objects.live()
        .filter(user_id__in=memberships)
        .select_related("tenant")
        .order_by("tenant__name")
    ):
        memberships[membership.user_id].append(membership)
    seats = {}
    for key, user in users.items():
        chosen = choose_membership(sessions[key], memberships[user.pk])
        if chosen is not None and may_read_portal(chosen.role):
            seats[key] = Seat(user=user, membership=chosen)
    return seats


def _users_of(sessions: dict[str, dict[str, Any]]) -> dict[str, User]:
    """Who is signed in, by the rules of `django.contrib.auth.get_user`."""
    ids = {}
    for key, session in sessions.items():
        if session.get(BACKEND_SESSION_KEY) in settings.AUTHENTICATION_BACKENDS:
            try:
                ids[key] = uuid.UUID(session.get(SESSION_KEY, ""))
            except ValueError:
                continue
    users = User.objects.filter(is_active=True).in_bulk(set(ids.values()))
    return {
        key: users[user_id]
        for key, user_id in ids.items()
        if user_id in users and is_of_password(sessions[key], users[user_id])
    }


def is_of_password(session: dict[str, Any], user: User) -> bool:
    """Whether the password is still the one that the session was opened with."""
    stored = session.get(HASH_SESSION_KEY) or ""
    return any(
        constant_time_compare(stored, valid)
        for valid in (user.get_session_auth_hash(), *user.get_session_auth_fallback_hash())
    )
