"""Mails to people about their place in an account.

Those with a link are sent by the page that asks for them, not by a task: the secret of an
invitation would stand in the broker.
"""

from __future__ import annotations

import logging
import re
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from cliqtel_portal.accounts.change_models import MembershipChange
from cliqtel_portal.accounts.models import User
from cliqtel_portal.accounts.role_words import ROLE_WORDS
from cliqtel_portal.accounts.services.invitations import Issued
from cliqtel_portal.accounts.services.profile import EmailChange
from cliqtel_portal.inert import visible

logger = logging.getLogger(__name__)

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_SHOWN = 80


def send_invitation(issued: Issued) -> bool:
    """The link is on its way. False: no mail server took it; the invitation can be sent again."""
    invitation = issued.invitation
    path = reverse("account_invitation", args=[issued.secret])
    tenant = _plain(invitation.tenant.name)
    return _send(
        invitation.email,
        f"Invitation to {tenant} on Cliqtel",
        "accounts/email/invitation.txt",
        {
            "tenant_name": tenant,
            "inviter": _plain(invitation.invited_by.display_name),
            "inviter_email": invitation.invited_by.email,
            "role": invitation.get_role_display(),
            # Links in mails start at our issuer, never at the Host header that somebody sent.
            "link": f"{settings.OAUTH_ISSUER}{path}",
            "days": (invitation.expires_at - timezone.now()).days + 1,
        },
    )


def send_email_change(change: EmailChange) -> bool:
    """The link is on its way to the new address, or the news that it can't be taken."""
    path = reverse("account_confirm_email", args=[change.token]) if change.token else ""
    return _send(
        change.email,
        "Confirm your new e-mail address for Cliqtel",
        "accounts/email/email_change.txt",
        {"link": f"{settings.OAUTH_ISSUER}{path}" if path else "", "former": change.user.email},
    )


def send_email_changed(user: User, former: str) -> bool:
    """The former address is told, in case it wasn't the person."""
    return _send(
        former,
        "Your Cliqtel e-mail address was changed",
        "accounts/email/email_changed.txt",
        {"email": user.email},
    )


def send_membership_change(change: MembershipChange) -> bool:
    """Whom an owner (or our staff) gave another role, or took out, is told by whom."""
    tenant = _plain(change.tenant.name)
    is_role = change.kind == MembershipChange.Kind.ROLE
    return _send(
        change.email,
        f"Your role in {tenant} on Cliqtel" if is_role else f"You are out of {tenant} on Cliqtel",
        "accounts/email/role_changed.txt" if is_role else "accounts/email/removed.txt",
        {
            "tenant_name": tenant,
            "by": _plain(change.by_name),
            "role_before": change.role_before,
            "role_after": change.role_after,
            "words": ROLE_WORDS.get(change.role_after, ""),
        },
    )


def _send(email: str, subject: str, template: str, context: dict[str, object]) -> bool:
    try:
        send_mail(subject, render_to_string(template, context), None, [email])
    except (SMTPException, OSError) as error:
        # Without the traceback: it would have the mail's text, and so the link.
        logger.error("a mail could not be sent: %s", type(error).__name__)
        return False
    return True


def _plain(name: str) -> str:
    """A name that somebody chose, as part of a line: no breaks, no tricks, not endless."""
    text = _CONTROL.sub(" ", visible(name)).strip()
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
