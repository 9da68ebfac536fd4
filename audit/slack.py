"""What is said on Slack: written to the outbox in the caller's transaction, sent by a worker."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from audit import slack_tasks, slack_text, webhooks
from audit.models import Alert, SlackMessage
from cliqtel_portal.accounts import permissions
from cliqtel_portal.accounts.models import Membership, Tenant
from cliqtel_portal.errors import NotFound, NotPermitted
from cliqtel_portal.ids import uuid7

To = SlackMessage.To
TEST_SECONDS = 10


@transaction.atomic
def tell(alert: Alert) -> None:
    """The alert goes to the operator's webhook and to the tenant's own, to each of them once."""
    own = webhooks.url_of(alert.tenant)
    if settings.SLACK_WEBHOOK_URL:
        link = slack_text.admin_link(alert)
        _say(
            f"alert:{alert.pk}:operator",
            to=To.OPERATOR,
            tenant=alert.tenant,
            alert=alert,
            text=slack_text.fallback_of(alert, link),
            blocks=slack_text.blocks_of(alert, link),
        )
    # The same channel twice would be told everything twice.
    if own and own != settings.SLACK_WEBHOOK_URL:
        link = slack_text.portal_link(alert)
        _say(
            f"alert:{alert.pk}:tenant",
            to=To.TENANT,
            tenant=alert.tenant,
            alert=alert,
            text=slack_text.fallback_of(alert, link),
            blocks=slack_text.blocks_of(alert, link),
        )


@transaction.atomic
def send_text(text: str, *, key: str = "") -> SlackMessage | None:
    """A line of ours goes to the operator's webhook; None where there is none.

    The same key again is the same message: it is sent once.
    """
    if not settings.SLACK_WEBHOOK_URL:
        return None
    line = slack_text.inert(text)
    return _say(f"text:{key or uuid7()}", to=To.OPERATOR, text=line)


@transaction.atomic
def send_test(actor: Membership) -> SlackMessage:
    """A test message goes to the tenant's webhook; what comes of it is in the outbox.

    One in TEST_SECONDS: who clicks again meanwhile gets the first.

    Raises:
        NotPermitted: below admin. NotFound: no webhook is set.
    """
    if not permissions.may_edit_policies(actor.role):
        raise NotPermitted("Admins and owners test where alerts go.")
    if webhooks.webhook_of(actor.tenant) is None:
        raise NotFound("Set a webhook first.")
    since = timezone.now() - timedelta(seconds=TEST_SECONDS)
    tests = SlackMessage.objects.to_tenant(actor.tenant).filter(key__startswith="test:")
    recent = tests.filter(created_at__gt=since).first()
    if recent is not None:
        return recent
    name = slack_text.inert(actor.tenant.name)
    text = f"Test: alerts of {name} on Cliqtel AI Access will come here."
    return _say(f"test:{uuid7()}", to=To.TENANT, tenant=actor.tenant, text=text)


def messages_to(tenant: Tenant, *, limit: int = 10) -> list[SlackMessage]:
    """The newest that went to the tenant's own webhook."""
    return list(SlackMessage.objects.to_tenant(tenant).order_by("-id")[:limit])


def _say(key: str, *, to: SlackMessage.To, text: str, **fields: Any) -> SlackMessage:
    message, is_new = SlackMessage.objects.get_or_create(
        key=key[:120], defaults={"to": to, "text": text, **fields}
    )
    if is_new:
        _deliver_after_commit(message.pk)
    return message


def _deliver_after_commit(message_id: uuid.UUID) -> None:
    def send() -> None:
        slack_tasks.deliver.delay(str(message_id))

    # Robust: a broker that is away must not undo the alert; the scan finds the message.
    transaction.on_commit(send, robust=True)
