"""A tenant's own webhook: set, removed, and never shown again."""

from __future__ import annotations

import base64
import hashlib
from urllib.parse import urlsplit

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from audit import outgoing
from audit.models import AlertWebhook
from cliqtel_portal.accounts import permissions
from cliqtel_portal.accounts.models import Membership, Tenant
from cliqtel_portal.errors import InvalidArguments, NotPermitted, Problem


def check(url: str) -> None:
    """Return if we would post there now. Asks the resolver, so not inside a transaction.

    Raises:
        InvalidArguments
    """
    message = outgoing.problem_of(url)
    if not message:
        try:
            outgoing.public_addresses(urlsplit(url).hostname or "")
        except outgoing.NotPublic:
            message = "The host leads to an address that is not public."
        except OSError:
            message = "There is no such host."
    if message:
        raise InvalidArguments(
            "The webhook can't be used.", problems=[Problem(field="url", message=message)]
        )


@transaction.atomic
def set_webhook(actor: Membership, *, url: str) -> AlertWebhook:
    """The tenant's alerts go to this webhook too, which `check` has let through. Idempotent.

    Raises:
        NotPermitted: below admin. InvalidArguments: not an address that we post to.
    """
    _check_may_edit(actor)
    message = outgoing.problem_of(url)
    if message:
        raise InvalidArguments(
            "The webhook can't be used.", problems=[Problem(field="url", message=message)]
        )
    webhook, _ = AlertWebhook.objects.update_or_create(
        tenant=actor.tenant,
        defaults={
            "encrypted_url": _cipher().encrypt(url.encode()).decode(),
            "hint": f"{urlsplit(url).hostname}/…{url[-4:]}",
            "set_by": actor.user,
            "set_at": timezone.now(),
        },
    )
    return webhook


@transaction.atomic
def remove_webhook(actor: Membership) -> None:
    """The tenant has no webhook. Idempotent. What waits for it fails. Raises NotPermitted."""
    _check_may_edit(actor)
    AlertWebhook.objects.for_tenant(actor.tenant).delete()


def webhook_of(tenant: Tenant) -> AlertWebhook | None:
    return AlertWebhook.objects.for_tenant(tenant).select_related("set_by").first()


def url_of(tenant: Tenant) -> str:
    """The address itself, for the sender alone; "" where none is set, or SECRET_KEY has changed."""
    webhook = webhook_of(tenant)
    if webhook is None:
        return ""
    try:
        return _cipher().decrypt(webhook.encrypted_url.encode()).decode()
    except InvalidToken:
        return ""


def _cipher() -> MultiFernet:
    """A copy of the database alone does not tell the addresses."""
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    digests = [hashlib.sha256(f"audit.webhooks\0{key}".encode()).digest() for key in keys]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])


def _check_may_edit(actor: Membership) -> None:
    if not permissions.may_edit_policies(actor.role):
        raise NotPermitted("Admins and owners set where alerts go.")
