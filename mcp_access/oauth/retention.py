"""What the authorization server forgets, and when. Timetable: cliqtel_portal/celery.py."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, Model, OuterRef, QuerySet
from django.utils import timezone
from oauth2_provider.models import Application

from mcp_access.ending import delete_in_batches
from mcp_access.models import (
    AccessToken,
    Consent,
    ConsumedCode,
    Grant,
    OAuthAttempt,
    RefreshToken,
)

_USES: tuple[type[Model], ...] = (Consent, Grant, AccessToken, RefreshToken, ConsumedCode)


def collect_unused_clients(*, batch: int = 500) -> int:
    """Clients that registered long ago and that nobody ever allowed are gone; returns how many.

    One that a person is just allowing stays: their transaction holds it (`hold_client`).
    """
    collected = 0
    while count := _collect(batch):
        collected += count
    return collected


def hold_client(application_id: int) -> bool:
    """Until the transaction ends the client is not collected. False: it has been already.

    KEY SHARE: any number of people allow one app at the same time, and none waits for another.
    """
    table = connection.ops.quote_name(Application._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT FROM {table} WHERE id = %s FOR KEY SHARE", [application_id])
        return bool(cursor.rowcount == 1)


def delete_old_attempts(*, batch: int = 5_000) -> int:
    """Attempts that the connection doctor no longer looks back on are gone."""
    before = timezone.now() - timedelta(days=settings.OAUTH_ATTEMPT_DAYS)
    return delete_in_batches(OAuthAttempt.objects.filter(at__lt=before), batch)


def delete_spent_codes(*, batch: int = 5_000) -> int:
    """Codes that nobody redeemed in time, and the memory of those whose session must be over."""
    now = timezone.now()
    session = timedelta(seconds=settings.OAUTH_SESSION_SECONDS)
    return delete_in_batches(Grant.objects.filter(expires__lt=now), batch) + delete_in_batches(
        ConsumedCode.objects.filter(consumed_at__lt=now - session), batch
    )


@transaction.atomic
def _collect(limit: int) -> int:
    free = _unused_clients().select_for_update(of=("self",), skip_locked=True)
    held = list(free.values_list("pk", flat=True)[:limit])
    # Judged anew: a consent may have been committed between the look and the lock. From here on
    # none can be, so the rows that PROTECT speaks of don't exist.
    deleted = list(_unused_clients().filter(pk__in=held).values_list("pk", flat=True))
    Application.objects.filter(pk__in=deleted).delete()
    return len(deleted)


def _unused_clients() -> QuerySet[Application]:
    before = timezone.now() - timedelta(hours=settings.OAUTH_UNUSED_CLIENT_HOURS)
    uses = [~Exists(model._default_manager.filter(application=OuterRef("pk"))) for model in _USES]
    found: QuerySet[Application] = Application.objects.filter(
        *uses, registration_source__in=["dcr", "cimd"], created__lt=before
    )
    return found
