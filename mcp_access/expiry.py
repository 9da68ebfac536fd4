"""Warnings before a static token ends: a notice and a mail 14 and 3 days ahead, and on the day.

The row of the warning is written with the notice, once for each distance; the mail is sent from
that row afterwards. A sender that dies after the mail and before it is written down sends it
again, under the same Message-ID, by which mail systems drop the second.
"""

from __future__ import annotations

import logging
import uuid
from datetime import datetime, timedelta
from email.utils import formatdate
from smtplib import SMTPException
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import Exists, F, OuterRef
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from cliqtel_portal.accounts import permissions
from cliqtel_portal.accounts.models import Membership, Tenant
from cliqtel_portal.notices.models import Notice
from cliqtel_portal.notices.services import notify
from mcp_access.models import AccessToken, ExpiryWarning
from mcp_access.querysets import AccessTokenQuerySet

logger = logging.getLogger(__name__)

# Nearest first: after an outage only the nearest one that was reached is told.
_DAYS = (0, 3, 14)
# Who was not told in time learns of the end for so long after it.
_LATE = timedelta(days=1)
_MOST_COPIES = 20


def warn_of_expiries(*, now: datetime | None = None) -> int:
    """Whose token has come near its end was told once for that distance; return how many now were.

    Each token is a transaction of its own, so what dies half-way goes on with the others.
    """
    moment = now or timezone.now()
    warned = 0
    for token in list(_ending(moment)):
        days = days_to_tell(token, moment)
        if days is not None:
            warned += _warn_once(token.pk, days, moment)
    return warned


def send_mails(*, now: datetime | None = None) -> int:
    """Warnings without their mail have it; return how many were sent. For one caller at a time.

    What ended, was rotated or lost its person since needs none. A mail that the server refuses is
    tried again by the next call, TOKEN_MAIL_ATTEMPTS times in all.
    """
    moment = now or timezone.now()
    waiting = ExpiryWarning.objects.filter(
        mailed_at__isnull=True, attempts__lt=settings.TOKEN_MAIL_ATTEMPTS
    )
    sent = 0
    for warning in list(waiting.order_by("warned_at", "id")[:500]):
        row = ExpiryWarning.objects.filter(pk=warning.pk)
        token = _ending(moment).filter(pk=warning.token_id).first()
        if token is None:
            row.update(mailed_at=moment)
            continue
        try:
            _mail(token, warning, moment).send()
        except (SMTPException, OSError):
            row.update(attempts=F("attempts") + 1)
            logger.warning("mail of expiry warning %s failed", warning.pk, exc_info=True)
        else:
            row.update(mailed_at=moment)
            sent += 1
    return sent


def days_to_tell(token: AccessToken, now: datetime) -> int | None:
    """The distance that the token has reached, by the calendar of its tenant; None: not yet.

    A token that never was that far from its end is not told of it: who makes one for a week needs
    no word of two weeks.
    """
    zone = ZoneInfo(token.tenant.time_zone)
    last = token.expires.astimezone(zone).date()
    left = (last - now.astimezone(zone).date()).days
    whole = (last - token.created.astimezone(zone).date()).days
    return next((days for days in _DAYS if left <= days < whole), None)


def _ending(now: datetime) -> AccessTokenQuerySet:
    """Static tokens near their end that nothing takes over, of people who may still use them."""
    roles = [role for role in Membership.Role.values if permissions.may_use_ai_access(role)]
    members = Membership.objects.live().filter(role__in=roles, user__is_active=True)
    return (
        AccessToken.objects.static()
        .filter(
            revoked_at__isnull=True,
            replaced_by__isnull=True,
            expires__gt=now - _LATE,
            # A day more than the distance: the calendar counts, not the clock.
            expires__lte=now + timedelta(days=max(_DAYS) + 1),
            tenant__status=Tenant.Status.ACTIVE,
        )
        .filter(Exists(members.filter(tenant=OuterRef("tenant"), user=OuterRef("user"))))
        .select_related("tenant", "user")
        .order_by("expires", "id")
    )


@transaction.atomic
def _warn_once(token_id: uuid.UUID, days: int, now: datetime) -> bool:
    # Locked, so that who rotates or revokes it meanwhile is not warned any more.
    token = _ending(now).select_for_update(of=("self",)).filter(pk=token_id).first()
    if token is None:
        return False
    # Told of a nearer distance already: the clock of another machine, or a longer life by staff.
    if ExpiryWarning.objects.filter(token=token, days__lte=days).exists():
        return False
    ExpiryWarning.objects.create(token=token, days=days, warned_at=now)
    notify(
        token.tenant,
        user=token.user,
        level=Notice.Level.ERROR if days == 0 else Notice.Level.WARNING,
        title=f"“{token.name}” {_when(token, now)}",
        body="The AI host that has it is refused from then on. Rotate it to go on.",
        link=_page(token),
    )
    return True


def _mail(token: AccessToken, warning: ExpiryWarning, now: datetime) -> EmailMessage:
    zone = ZoneInfo(token.tenant.time_zone)
    # On the last day admins get a copy: something stops, whoever's it was.
    copies = _admins(token) if warning.days == 0 else []
    text = render_to_string(
        "mcp_access/mail/token_expires.txt",
        {
            "token": token,
            "when": _when(token, now),
            "expires": _local(token.expires, zone),
            "last_used": token.last_used_at and _local(token.last_used_at, zone),
            "zone": token.tenant.time_zone,
            "is_over": token.expires <= now,
            "link": f"{settings.OAUTH_ISSUER}{_page(token)}",
            "copies": copies,
        },
    )
    domain = urlsplit(settings.OAUTH_ISSUER).hostname or "localhost"
    return EmailMessage(
        subject=" ".join(f"“{token.name}” {_when(token, now)}".split()),
        body=text,
        to=[token.user.email],
        cc=copies,
        headers={
            "Message-ID": f"<token-expiry-{warning.pk}@{domain}>",
            "Date": formatdate(warning.warned_at.timestamp()),
            "Auto-Submitted": "auto-generated",
        },
    )


def _admins(token: AccessToken) -> list[str]:
    roles = [role for role in Membership.Role.values if permissions.may_manage_all_tokens(role)]
    admins = Membership.objects.live().filter(
        tenant=token.tenant_id, role__in=roles, user__is_active=True
    )
    others = admins.exclude(user=token.user_id).order_by("user__email")
    return list(others.values_list("user__email", flat=True)[:_MOST_COPIES])


def _when(token: AccessToken, now: datetime) -> str:
    """ "expires in 3 days", "expires today", "has expired"."""
    if token.expires <= now:
        return "has expired"
    zone = ZoneInfo(token.tenant.time_zone)
    left = (token.expires.astimezone(zone).date() - now.astimezone(zone).date()).days
    if left == 0:
        return "expires today"
    return "expires tomorrow" if left == 1 else f"expires in {left} days"


def _local(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%-d %b %Y, %H:%M}"


def _page(token: AccessToken) -> str:
    return reverse("mcp_access:token-detail", args=[token.pk])
