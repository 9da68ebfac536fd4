"""Sends what the outbox holds, once each, whatever dies on the way.

    pending     claim: attempts + 1, due again when a dead sender is given up
                the post, outside any transaction
                sent, failed, or due later

An advisory lock keeps two senders from one message. Slack has no key by which it would know a
message again: a sender that dies after the post and before it is written down sends it twice.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from audit import slack_client, webhooks
from audit.models import SlackMessage
from audit.slack_client import Answer
from cliqtel_portal.locks import advisory_lock

logger = logging.getLogger(__name__)

State = SlackMessage.State


def due_ids(*, now: datetime | None = None, limit: int = 100) -> list[uuid.UUID]:
    """Messages that somebody should send and nobody does."""
    due = SlackMessage.objects.due(now or timezone.now())
    return list(due.values_list("pk", flat=True)[:limit])


def deliver(message_id: uuid.UUID, *, now: datetime | None = None) -> None:
    """The message was tried once more, if it is due. Safe for any id, at any time, at once."""
    with advisory_lock(f"audit.slack.{message_id}") as acquired:
        message = _claim(message_id, now or timezone.now()) if acquired else None
        if message is not None:
            _write(message, _post(message), now or timezone.now())


@transaction.atomic
def send_again(ids: Iterable[uuid.UUID]) -> list[SlackMessage]:
    """Of these, the failed ones are due again as if new; return those. The scan sends them."""
    failed = SlackMessage.objects.filter(pk__in=list(ids), state=State.FAILED)
    messages = list(failed.select_for_update(of=("self",)))
    SlackMessage.objects.filter(pk__in=[message.pk for message in messages]).update(
        state=State.PENDING, attempts=0, due_at=timezone.now(), finished_at=None, error=""
    )
    return messages


def forget_old(now: datetime) -> int:
    """Messages that are long sent or failed are gone; return how many."""
    before = now - timedelta(days=settings.SLACK_MESSAGE_DAYS)
    ended = SlackMessage.objects.exclude(state=State.PENDING).filter(created_at__lt=before)
    forgotten, _ = ended.delete()
    return forgotten


@transaction.atomic
def _claim(message_id: uuid.UUID, now: datetime) -> SlackMessage | None:
    due = SlackMessage.objects.due(now).select_for_update(of=("self",))
    message = due.select_related("tenant").filter(pk=message_id).first()
    if message is not None:
        message.attempts += 1
        message.due_at = now + timedelta(seconds=settings.SLACK_CLAIM_SECONDS)
        message.save(update_fields=["attempts", "due_at"])
    return message


def _post(message: SlackMessage) -> Answer:
    is_tenants = message.to == SlackMessage.To.TENANT
    if is_tenants and message.tenant is not None:
        url = webhooks.url_of(message.tenant)
    else:
        url = settings.SLACK_WEBHOOK_URL
    if not url:
        return Answer(error="No webhook is set any more, or it must be entered again.")
    return slack_client.post(url, text=message.text, blocks=message.blocks, guarded=is_tenants)


def _write(message: SlackMessage, answer: Answer, now: datetime) -> None:
    is_last = message.attempts >= settings.SLACK_MAX_ATTEMPTS
    changes: dict[str, Any] = {"error": answer.error}
    if answer.error and answer.may_retry and not is_last:
        doubled = settings.SLACK_RETRY_SECONDS * 2 ** (message.attempts - 1)
        wait = max(min(doubled, settings.SLACK_RETRY_MAX_SECONDS), answer.wait_seconds)
        changes |= {"due_at": now + timedelta(seconds=wait)}
    else:
        state = State.FAILED if answer.error else State.SENT
        changes |= {"state": state, "finished_at": now}
    if answer.error:
        logger.warning(
            "Slack message %s, attempt %d: %s", message.pk, message.attempts, answer.error
        )
    # By the attempt: whoever took over writes, not who was given up.
    SlackMessage.objects.filter(
        pk=message.pk, state=State.PENDING, attempts=message.attempts
    ).update(**changes)
