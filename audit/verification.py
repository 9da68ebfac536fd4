"""Proves the log: every row's mac, every seal, and that the two agree.

One pass in the order of ids over all that is retained, at constant memory and in one snapshot, so
that it may run while calls are made and sealed. It stops at the first thing that is wrong.
"""

from __future__ import annotations

import uuid
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from audit.models import Seal, ToolCall
from audit.partitions import month_after, months_held
from audit.record import UnknownKey
from audit.seal_record import (
    BEFORE_THE_FIRST,
    MEMBER_BYTES,
    Content,
    fingerprint,
    is_genuine,
    unpack,
)
from audit.seals import late_members, sealed_up_to
from audit.services import is_authentic
from cliqtel_portal.ids import first_uuid7_at, moment_of

_BATCH = 2_000  # rows; some megabytes


class ChainBroken(Exception):
    """The log is not what was written. The text names the first bad row or seal, and what it is."""


@dataclass(kw_only=True)
class Report:
    """What was found in order, and how far that goes."""

    rows: int = 0
    seals: int = 0
    late: int = 0
    unsealed: int = 0  # closed; they will be sealed
    running: int = 0
    dropped: int = 0  # sealed, and gone with their partition
    first_seal: int | None = None
    last_seal: int | None = None
    last_digest: str = ""
    sealed_up_to: datetime | None = None


def verify_chain(
    *, since: datetime | None = None, anchors: Mapping[int, str] | None = None
) -> Report:
    """Everything retained is as it was written.

    Args:
        since: begin with the seal that holds this moment; what is before is taken on trust.
        anchors: digests by seal number, as they were written down outside of the database.

    Raises:
        ChainBroken: at the first bad row or seal.
    """
    with _one_snapshot():
        return _Pass(since, dict(anchors or {})).run()


@contextmanager
def _one_snapshot() -> Iterator[None]:
    outermost = not connection.in_atomic_block
    with transaction.atomic():
        if outermost:
            with connection.cursor() as cursor:
                # Or a row sealed between two reads would seem to be missing.
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield


@dataclass
class _Pass:
    since: datetime | None
    anchors: dict[int, str]
    report: Report = field(default_factory=Report)

    def run(self) -> Report:
        first = self._first_seal()
        start: uuid.UUID | None = None
        if self.since is not None:
            begins = first_uuid7_at(self.since)
            start = first.low if first else max(sealed_up_to(), begins)
        with connection.cursor() as cursor:
            self._months = set(months_held(cursor, timezone.now().date()))
        # Both are cursors of the server, and have to end before a transaction that fails.
        with closing(_rows_from(start)) as rows, closing(_seals_from(first)) as seals:
            self._rows = _Rows(rows)
            if first is not None:
                self._check_seals(first, seals)
            self._check_anchors_reached()
            for row in self._rows.below(None):
                self._count(row, "changed or inserted")
        return self.report

    def _first_seal(self) -> Seal | None:
        ranges = Seal.objects.filter(kind=Seal.Kind.RANGE).defer("members").order_by("number")
        if self.since is not None:
            ranges = ranges.filter(high__gt=first_uuid7_at(self.since))
        return ranges.first()

    def _check_seals(self, first: Seal, seals: Iterable[Seal]) -> None:
        for row in self._rows.below(first.low):
            raise ChainBroken(
                f"seal {first.number - 1} is missing: row {row.pk} is older than all seals"
            )
        if self.since is None and first.number != 1:
            # Retention takes rows, never seals: somebody cut the oldest off, with their rows.
            raise ChainBroken(
                f"seal {first.number - 1} is missing: the chain begins with seal {first.number}"
            )
        self.report.first_seal, self._frontier = first.number, first.low
        previous: Seal | None = None
        for seal in seals:
            self._check_seal(seal, previous)
            if seal.kind == Seal.Kind.RANGE:
                self._check_range(seal)
            else:
                self._check_late(seal)
            self.report.seals += 1
            previous = seal

    def _check_seal(self, seal: Seal, previous: Seal | None) -> None:
        name = f"seal {seal.number}"
        if previous is not None and seal.number != previous.number + 1:
            raise ChainBroken(f"seal {previous.number + 1} is missing")
        try:
            genuine = is_genuine(seal)
        except UnknownKey as error:
            raise ChainBroken(f"{name} can't be checked: {_no_key(seal.mac_key_id)}") from error
        if not genuine or seal.count * MEMBER_BYTES != len(seal.members):
            raise ChainBroken(f"{name} was changed, forged or moved: its code does not fit")
        expected = previous.digest if previous else None
        if seal.number == 1:
            expected = BEFORE_THE_FIRST
        if expected is not None and seal.previous != expected:
            raise ChainBroken(f"{name} was reordered: it does not follow the seal before it")
        if self.anchors.get(seal.number, seal.digest) != seal.digest:
            raise ChainBroken(f"{name} was replaced: its digest is not the one that was anchored")
        if seal.kind == Seal.Kind.RANGE:
            if seal.low != self._frontier:
                raise ChainBroken(f"{name} does not begin where the range before it ends")
            self._frontier = seal.high
        self.report.last_seal, self.report.last_digest = seal.number, seal.digest

    def _check_range(self, seal: Seal) -> None:
        members = list(unpack(seal.members))
        position = 0
        content = Content()
        late: set[uuid.UUID] | None = None
        for row in self._rows.below(seal.high):
            if position < len(members) and members[position][0] < row.pk:
                self._missing(members[position][0], seal)
            if position < len(members) and members[position][0] == row.pk:
                self._count(row, "changed")
                self._check_member(row, members[position][1], seal)
                content.add(row.pk, row.mac)
                position += 1
            else:
                if late is None:
                    # Once for a range: behind a process whose clock is late, every row is.
                    late = {identifier for identifier, _ in late_members(seal.low, seal.high)}
                self._count(row, "inserted", late=row.pk in late)
        if position < len(members):
            identifier = members[position][0]
            self._must_be_gone(identifier, seal, alone=not position)
            self.report.dropped += len(members)
        elif content.hexdigest() != seal.content:
            raise ChainBroken(f"seal {seal.number}: the macs of its rows are not those it sealed")
        self.report.sealed_up_to = moment_of(seal.high)

    def _check_late(self, seal: Seal) -> None:
        content = Content()
        complete = True
        for batch in _batches(unpack(seal.members), _BATCH):
            rows = ToolCall.objects.in_bulk([identifier for identifier, _ in batch])
            for identifier, mac in batch:
                row = rows.get(identifier)
                if row is None:
                    self._must_be_gone(identifier, seal)
                    complete = False
                    self.report.dropped += 1
                    continue
                _check_mac(row, "changed")
                self._check_member(row, mac, seal)
                content.add(row.pk, row.mac)
        if complete and content.hexdigest() != seal.content:
            raise ChainBroken(f"seal {seal.number}: the macs of its rows are not those it sealed")

    def _check_member(self, row: ToolCall, mac: bytes, seal: Seal) -> None:
        if row.status == ToolCall.Status.RUNNING or fingerprint(row.mac) != mac:
            raise ChainBroken(f"row {row.pk}: changed after seal {seal.number}")

    def _missing(self, identifier: uuid.UUID, seal: Seal) -> None:
        raise ChainBroken(f"row {identifier}: missing, though seal {seal.number} has it")

    def _must_be_gone(self, identifier: uuid.UUID, seal: Seal, *, alone: bool = True) -> None:
        """Only retention takes rows away: whole months, and none before its time."""
        month = moment_of(identifier).date().replace(day=1)
        if not alone or month in self._months:
            self._missing(identifier, seal)
        days = settings.AUDIT_RETENTION_DAYS
        if month_after(month) > timezone.now().date() - timedelta(days=days):
            raise ChainBroken(
                f"row {identifier}: missing: the partition of {month:%Y-%m} is gone, though rows"
                f" are kept for {days} days (AUDIT_RETENTION_DAYS)"
            )

    def _count(self, row: ToolCall, otherwise: str, *, late: bool | None = None) -> None:
        """`late` None: not to be asked, as the row is a member or beyond all seals."""
        _check_mac(row, otherwise)
        self.report.rows += 1
        if row.status == ToolCall.Status.RUNNING:
            self.report.running += 1
        elif late:
            self.report.late += 1
        elif otherwise != "changed":
            self.report.unsealed += 1

    def _check_anchors_reached(self) -> None:
        last = Seal.objects.values_list("number", flat=True).first() or 0
        beyond = [number for number in self.anchors if number > last]
        if beyond:
            raise ChainBroken(
                f"seal {last + 1} is missing: the chain ends before seal {max(beyond)}, which was"
                " anchored outside of the database"
            )


class _Rows:
    """The log in the order of ids, read once."""

    def __init__(self, rows: Iterator[ToolCall]) -> None:
        self._rows = rows
        self._next = next(self._rows, None)

    def below(self, high: uuid.UUID | None) -> Iterator[ToolCall]:
        """The rows that follow, up to an id that is not among them."""
        while self._next is not None and (high is None or self._next.pk < high):
            row, self._next = self._next, next(self._rows, None)
            if self._next is not None and self._next.pk == row.pk:
                # Only without the primary key's index.
                raise ChainBroken(f"row {row.pk}: inserted: it is there twice")
            yield row


def _rows_from(start: uuid.UUID | None) -> Generator[ToolCall, None, None]:
    rows = ToolCall.objects.order_by("id")
    if start is not None:
        rows = rows.filter(id__gte=start)
    yield from rows.iterator(chunk_size=_BATCH)


def _seals_from(first: Seal | None) -> Generator[Seal, None, None]:
    if first is not None:
        seals = Seal.objects.filter(number__gte=first.number).order_by("number")
        yield from seals.iterator(chunk_size=20)


def _check_mac(row: ToolCall, otherwise: str) -> None:
    try:
        authentic = is_authentic(row)
    except UnknownKey as error:
        raise ChainBroken(f"row {row.pk}: can't be checked: {_no_key(row.mac_key_id)}") from error
    if not authentic:
        raise ChainBroken(f"row {row.pk}: {otherwise}: its code does not fit")


def _no_key(key_id: str) -> str:
    return f"the key {key_id} is neither AUDIT_KEY's nor in AUDIT_OLD_KEYS"


def _batches(
    members: Iterable[tuple[uuid.UUID, bytes]], size: int
) -> Iterator[list[tuple[uuid.UUID, bytes]]]:
    iterator = iter(members)
    while batch := list(islice(iterator, size)):
        yield batch
