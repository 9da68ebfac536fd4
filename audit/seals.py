"""Puts closed rows of the log under seals, each chained to the one before.

A range of ids is sealed when it is a minute old and nothing in it runs any more. A process whose
clock is late may write into a sealed range all the same, and a row may outlast the wait: such rows
get a seal of their own, `late`, once they are closed and their mac is ours. So each row is in
exactly one seal, and a row that is in none is either young or forged.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from audit.models import Seal, ToolCall
from audit.partitions import month_after, months_held
from audit.record import UnknownKey
from audit.seal_record import BEFORE_THE_FIRST, Content, digest_of, pack, sign_digest, unpack
from audit.services import is_authentic
from cliqtel_portal.ids import first_uuid7_at, moment_of

logger = logging.getLogger(__name__)

# Read as a signed 64-bit key of pg_advisory_xact_lock; one number for this one purpose.
_LOCK = 0x5EA1
_LOWEST = uuid.UUID(int=0)


def seal_closed_calls(*, now: datetime | None = None, max_seals: int = 100) -> int:
    """Every row that may be sealed is, up to `max_seals` seals; return how many rows that were."""
    rows = 0
    for _ in range(max_seals):
        seal = seal_next_range(now=now)
        if seal is None:
            break
        rows += seal.count
    return rows


@transaction.atomic
def seal_next_range(*, now: datetime | None = None) -> Seal | None:
    """Seal what follows the last range; None where nothing there may be sealed yet.

    Safe beside itself: a second one waits for the first and goes on behind it.
    """
    _lock()
    low = sealed_up_to()
    high = _ceiling(low, now or timezone.now())
    # A seal lies within one month, so that a dropped partition leaves none half without rows.
    most = settings.AUDIT_SEAL_MAX_ROWS
    rows = list(_closed(low, high).values_list("id", "mac")[: most + 1])
    if not rows:
        return None
    if len(rows) > most:
        high = rows[most][0]
    high = min(high, _end_of_month(rows[0][0]))
    return _append(Seal.Kind.RANGE, [row for row in rows if row[0] < high], low, high)


@transaction.atomic
def seal_late_calls(*, since: datetime | None = None) -> Seal | None:
    """Seal rows that are closed and authentic, and in no seal although their range is sealed.

    Args:
        since: looks at ranges that end after it; None: at all whose partition is still there.
    """
    _lock()
    ranges = _ranges_since(since)
    first = ranges.values_list("low", flat=True).first()
    if first is None:
        return None
    found, sealed = _closed(first, sealed_up_to()).count(), _sealed_since(first, ranges)
    if found < sealed:
        logger.error("%d sealed tool calls are missing: run verify_audit", sealed - found)
    if found <= sealed:
        return None
    late = sorted(_strays(ranges))
    if not late:
        return None
    logger.warning("%d tool calls came after their range was sealed", len(late))
    return _append(Seal.Kind.LATE, late, late[0][0], uuid.UUID(int=late[-1][0].int + 1))


def sealed_up_to() -> uuid.UUID:
    """Every row with a smaller id is sealed, or late, or forged."""
    last = Seal.objects.filter(kind=Seal.Kind.RANGE).order_by("-number")
    return last.values_list("high", flat=True).first() or _LOWEST


def lag(*, now: datetime | None = None) -> timedelta:
    """Age of the oldest closed row that no seal has yet; zero without one."""
    now = now or timezone.now()
    # Not beyond now: an id made up by somebody may lie anywhere in time.
    rows = _closed(sealed_up_to(), first_uuid7_at(now))
    oldest = rows.values_list("id", flat=True).first()
    return timedelta(0) if oldest is None else now - moment_of(oldest)


def late_members(low: uuid.UUID, high: uuid.UUID) -> Iterator[tuple[uuid.UUID, bytes]]:
    """Of all late seals, the members in a range of ids."""
    seals = Seal.objects.filter(kind=Seal.Kind.LATE, high__gt=low, low__lt=high).order_by("number")
    for members in seals.values_list("members", flat=True).iterator(chunk_size=10):
        yield from ((row, mac) for row, mac in unpack(members) if low <= row < high)


def _closed(low: uuid.UUID, high: uuid.UUID | None = None) -> QuerySet[ToolCall]:
    rows = ToolCall.objects.filter(id__gte=low).exclude(status=ToolCall.Status.RUNNING)
    if high is not None:
        rows = rows.filter(id__lt=high)
    return rows.order_by("id")


def _ceiling(low: uuid.UUID, now: datetime) -> uuid.UUID:
    """No row below may still come or close, as far as clocks and the wait tell."""
    settled = first_uuid7_at(now - timedelta(seconds=settings.AUDIT_SEAL_GRACE))
    waits_from = first_uuid7_at(now - timedelta(seconds=settings.AUDIT_SEAL_WAIT))
    running = (
        ToolCall.objects.filter(status=ToolCall.Status.RUNNING, id__gte=max(low, waits_from))
        .order_by("id")
        .values_list("id", flat=True)
        .first()
    )
    return min(settled, running) if running else settled


def _end_of_month(identifier: uuid.UUID) -> uuid.UUID:
    following = month_after(moment_of(identifier).date())
    return first_uuid7_at(datetime(following.year, following.month, 1, tzinfo=UTC))


def _append(
    kind: Seal.Kind, rows: Sequence[tuple[uuid.UUID, str]], low: uuid.UUID, high: uuid.UUID
) -> Seal:
    head = Seal.objects.order_by("-number").values_list("number", "digest").first()
    number, previous = head or (0, BEFORE_THE_FIRST)
    seal = Seal(
        number=number + 1,
        kind=kind,
        low=low,
        high=high,
        count=len(rows),
        members=pack(rows),
        content=Content(rows).hexdigest(),
        previous=previous,
        sealed_at=timezone.now(),
        mac_key_id=settings.AUDIT_KEY_ID,
    )
    seal.digest = digest_of(seal)
    seal.mac = sign_digest(seal.digest, key_id=seal.mac_key_id)
    seal.save(force_insert=True)
    return seal


def _ranges_since(since: datetime | None) -> QuerySet[Seal]:
    with connection.cursor() as cursor:
        months = months_held(cursor, timezone.now().date())
        if since is None:
            # Counts all that is retained.
            cursor.execute("SET LOCAL statement_timeout = '240s'")
    if months:
        oldest = datetime(months[-1].year, months[-1].month, 1, tzinfo=UTC)
        since = max(since, oldest) if since else oldest
    ranges = Seal.objects.filter(kind=Seal.Kind.RANGE).order_by("number")
    return ranges.filter(high__gt=first_uuid7_at(since)) if since else ranges


def _sealed_since(first: uuid.UUID, ranges: QuerySet[Seal]) -> int:
    in_ranges = sum(ranges.values_list("count", flat=True).iterator())
    return in_ranges + sum(1 for _ in late_members(first, sealed_up_to()))


def _strays(ranges: QuerySet[Seal]) -> list[tuple[uuid.UUID, str]]:
    """Closed rows of ours that no seal has: at most one seal's worth, the oldest ranges first."""
    found: list[tuple[uuid.UUID, str]] = []
    bounds = ranges.values_list("low", "high", "members")
    for low, high, members in bounds.iterator(chunk_size=20):
        known = {row for row, _ in unpack(members)}
        known |= {row for row, _ in late_members(low, high)}
        for identifier in _closed(low, high).values_list("id", flat=True).iterator():
            if identifier in known:
                continue
            row = ToolCall.objects.get(pk=identifier)
            if _is_ours(row):
                found.append((row.pk, row.mac))
            else:
                logger.error("tool call %s was slipped in: run verify_audit", identifier)
            if len(found) == settings.AUDIT_SEAL_MAX_ROWS:
                return found
    return found


def _is_ours(row: ToolCall) -> bool:
    try:
        return is_authentic(row)
    except UnknownKey:
        return False


def _lock() -> None:
    """One sealer at a time; its end of transaction releases it, whatever happens."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
