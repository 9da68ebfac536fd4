"""A person's browsers: which are signed in, and that they are signed out."""

from __future__ import annotations

import hashlib
import ipaddress
import logging
import uuid

from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone
from redis.exceptions import RedisError

from cliqtel_portal.accounts.models import BrowserSession, User
from cliqtel_portal.accounts.sessions import is_of_password
from cliqtel_portal.errors import NotFound

logger = logging.getLogger(__name__)

# A session that is used all the time is written down once in so many seconds.
_NOTE_SECONDS = 300


def note_use(user_id: uuid.UUID, session_key: str, *, address: str, user_agent: str) -> None:
    """The list of the person's browsers knows of this use, or of one a moment ago."""
    user_agent = user_agent.replace("\x00", "")[:300]
    use = hashlib.sha256("|".join((session_key, address, user_agent)).encode()).hexdigest()
    try:
        if not cache.add(f"session-use:{use}", 1, _NOTE_SECONDS):
            return
    except RedisError:
        logger.warning("the use of a session is not noted: the cache is away")
        return
    BrowserSession.objects.bulk_create(
        [
            BrowserSession(
                user_id=user_id,
                session_key=session_key,
                address=_address(address),
                user_agent=user_agent,
                last_used_at=timezone.now(),
            )
        ],
        update_conflicts=True,
        unique_fields=["session_key"],
        update_fields=["user", "address", "user_agent", "last_used_at"],
    )


def sessions_of(user: User) -> list[BrowserSession]:
    """The browsers in which the person is signed in now, the last used first."""
    found = list(BrowserSession.objects.filter(user=user).order_by("-last_used_at"))
    stored = {
        row.session_key: row.get_decoded()
        for row in Session.objects.filter(
            session_key__in=[one.session_key for one in found], expire_date__gt=timezone.now()
        )
    }
    return [
        one
        for one in found
        if one.session_key in stored and is_of_password(stored[one.session_key], user)
    ]


@transaction.atomic
def end_session(user: User, session_id: uuid.UUID) -> BrowserSession:
    """That browser is signed out, its open pages within seconds.

    Raises:
        NotFound: not a session of this person, or it has ended.
    """
    found = BrowserSession.objects.filter(user=user, pk=session_id).first()
    if found is None:
        raise NotFound("This browser is signed out already.")
    _end([found])
    return found


@transaction.atomic
def end_other_sessions(user: User, *, keep: str | None) -> int:
    """Every browser but the one with that session key is signed out. Returns how many were."""
    others = [one for one in sessions_of(user) if one.session_key != keep]
    _end(others)
    return len(others)


def forget_dead_sessions() -> int:
    """Sessions whose time is over are gone, with where they were used. Returns how many."""
    deleted, _ = Session.objects.filter(expire_date__lte=timezone.now()).delete()
    BrowserSession.objects.filter(
        ~Exists(Session.objects.filter(session_key=OuterRef("session_key")))
    ).delete()
    return deleted


def _end(sessions: list[BrowserSession]) -> None:
    Session.objects.filter(session_key__in=[one.session_key for one in sessions]).delete()
    BrowserSession.objects.filter(pk__in=[one.pk for one in sessions]).delete()


def _address(text: str) -> str | None:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None
