"""Giving up a number: quarantine, the way back, and the end."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from cliqtel_portal.accounts.models import Membership, Tenant
from cliqtel_portal.accounts.permissions import may_restore_numbers
from cliqtel_portal.carriers.models import CarrierOperation
from cliqtel_portal.carriers.services import enqueue
from cliqtel_portal.errors import NotFound, NotPermitted, Problem
from cliqtel_portal.numbers.change_models import NumberChange
from cliqtel_portal.numbers.errors import NumberUnavailable, ReleaseBlocked
from cliqtel_portal.numbers.models import PhoneNumber, StockNumber
from cliqtel_portal.numbers.services.places import number_of, place_of

_Status = PhoneNumber.Status
_OF_ITS_LIFE = [
    NumberChange.Kind.GIVEN_UP,
    NumberChange.Kind.RESTORED,
    NumberChange.Kind.HANDED_BACK,
]
_WHY_NOT = {
    _Status.PROVISIONING.value: "It is still being set up. Wait until it is active.",
    _Status.PORTING.value: "It is being ported. Wait for the port, or have it cancelled.",
    _Status.QUARANTINE.value: "It was given up already.",
    _Status.RELEASED.value: "It was released already.",
}


@dataclass(frozen=True, kw_only=True)
class ReleasePlan:
    """`blockers`: every reason why it can't be given up now."""

    number: PhoneNumber
    quarantine_days: int
    blockers: tuple[Problem, ...]


def plan_release(tenant: Tenant, *, e164: str, now: datetime | None = None) -> ReleasePlan:
    """What giving it up would mean now; writes nothing.

    Raises:
        NotFound: no such number in the tenant.
    """
    number = number_of(tenant, e164)
    return ReleasePlan(
        number=number,
        quarantine_days=settings.NUMBER_QUARANTINE_DAYS,
        blockers=tuple(_blockers(number, now or timezone.now())),
    )


@transaction.atomic
def release_number(
    tenant: Tenant,
    *,
    e164: str,
    quarantine_days: int,
    key: str,
    by_label: str,
    approval_id: uuid.UUID | None = None,
    now: datetime | None = None,
) -> datetime:
    """The number is in quarantine until the time returned, then it is handed back.

    Its emergency address stays with it until then, so that bringing it back brings that too. The
    same key again changes nothing more.

    Raises:
        NotFound: no such number in the tenant.
        ReleaseBlocked: with every reason.
    """
    now = now or timezone.now()
    number = number_of(tenant, e164, lock=True)
    done = NumberChange.objects.for_tenant(tenant).filter(number=number, key=key).first()
    if done is not None:
        return datetime.fromisoformat(done.after["until"])
    blockers = _blockers(number, now)
    if blockers:
        raise ReleaseBlocked("This number can't be given up yet.", problems=blockers)
    until = now + timedelta(days=quarantine_days)
    number.quarantine_until = until
    _move(
        number,
        _Status.QUARANTINE,
        kind=NumberChange.Kind.GIVEN_UP,
        by_label=by_label,
        approval_id=approval_id,
        key=key,
        now=now,
    )
    return until


def is_restorable(number: PhoneNumber, now: datetime) -> bool:
    """In quarantine, and the carrier has not been told."""
    until = number.quarantine_until
    return until is not None and until > now and number.release_operation_id is None


@transaction.atomic
def restore_number(
    actor: Membership, *, number_id: uuid.UUID, now: datetime | None = None
) -> PhoneNumber:
    """The number is back as it was before it was given up, connected to nothing.

    A second click finds it back and changes nothing.

    Raises:
        NotFound: no such number in the actor's tenant.
        NotPermitted: the actor's role doesn't bring numbers back.
        NumberUnavailable: it isn't in quarantine, or that is over.
    """
    now = now or timezone.now()
    if not may_restore_numbers(actor.role):
        raise NotPermitted("Only admins and owners bring numbers back.")
    rows = PhoneNumber.objects.for_tenant(actor.tenant).select_for_update(of=("self",))
    number = rows.filter(pk=number_id).first()
    if number is None:
        raise NotFound("There is no such number in this account.")
    last = number.changes.filter(kind__in=_OF_ITS_LIFE).newest_first().first()
    if number.status != _Status.QUARANTINE:
        if last is not None and last.kind == NumberChange.Kind.RESTORED:
            return number
        raise NumberUnavailable("This number is not in quarantine.")
    until = number.quarantine_until
    if until is None or not is_restorable(number, now):
        raise NumberUnavailable("The quarantine is over: the number is on its way back.")
    number.quarantine_until = None
    _move(
        number,
        # Without a record it came into quarantine by other ways: the demo, or staff.
        _Status(last.before["status"])
        if last is not None and last.kind == NumberChange.Kind.GIVEN_UP
        else _Status.ACTIVE,
        kind=NumberChange.Kind.RESTORED,
        by_label=actor.user.display_name,
        key=f"restore:{number.pk}:{until:%Y%m%d%H%M%S%f}",
        now=now,
    )
    return number


def due_ids(now: datetime) -> list[uuid.UUID]:
    """Numbers whose quarantine is over and that nobody hands back yet."""
    due = PhoneNumber.objects.filter(
        status=_Status.QUARANTINE, quarantine_until__lte=now, release_operation__isnull=True
    )
    return list(due.order_by("quarantine_until").values_list("pk", flat=True)[:500])


@transaction.atomic
def hand_back(number_id: uuid.UUID, *, now: datetime | None = None) -> PhoneNumber | None:
    """The carrier will be told. None: it was done or undone meanwhile.

    The number stays in quarantine until the carrier has it: were it for sale at once, the release
    could reach the carrier after the next owner's order.
    """
    now = now or timezone.now()
    due = PhoneNumber.objects.select_for_update(of=("self",)).filter(
        pk=number_id,
        status=_Status.QUARANTINE,
        quarantine_until__lte=now,
        release_operation__isnull=True,
    )
    number = due.select_related("tenant").first()
    if number is None:
        return None
    number.release_operation = enqueue(
        number.tenant,
        kind=CarrierOperation.Kind.RELEASE_NUMBER,
        # The row's lock is what makes it once. A moment's own key lets staff have it tried again.
        idempotency_key=f"release:{number.pk}:{now:%Y%m%d%H%M%S%f}",
        payload={"number_id": str(number.pk)},
    )
    number.save(update_fields=["release_operation"])
    return number


@transaction.atomic
def finish_release(number_id: uuid.UUID, *, now: datetime | None = None) -> None:
    """The carrier has it: it is nobody's, and in the stock again if it came from there."""
    number = PhoneNumber.objects.select_for_update(of=("self",)).get(pk=number_id)
    if number.status != _Status.QUARANTINE:
        return
    number.quarantine_until = None
    number.emergency_state = PhoneNumber.EmergencyState.NONE
    number.emergency_address = None
    number.renews_at = None
    _move(
        number,
        _Status.RELEASED,
        kind=NumberChange.Kind.HANDED_BACK,
        key=f"handed-back:{number.pk}",
        now=now or timezone.now(),
    )
    StockNumber.objects.filter(e164=number.e164, status=StockNumber.Status.SOLD).update(
        status=StockNumber.Status.AVAILABLE
    )


def _blockers(number: PhoneNumber, now: datetime) -> list[Problem]:
    refusal = _WHY_NOT.get(number.status)
    if refusal is not None:
        return [Problem(field="number", message=refusal)]
    found = []
    place = place_of(number)
    if place.place_id is not None:
        found.append(f"It is connected to {place.words}. Disconnect it first.")
    today = timezone.localdate(now, timezone=ZoneInfo(number.tenant.time_zone))
    if number.contract_until is not None and today <= number.contract_until:
        found.append(f"It is under contract until {number.contract_until:%Y-%m-%d}.")
    return [Problem(field="number", message=text) for text in found]


def _move(
    number: PhoneNumber,
    status: PhoneNumber.Status,
    *,
    kind: NumberChange.Kind,
    key: str,
    now: datetime,
    by_label: str = "",
    approval_id: uuid.UUID | None = None,
) -> None:
    before = {"status": number.status}
    after = {"status": status.value}
    if number.quarantine_until is not None:
        after["until"] = number.quarantine_until.isoformat()
    number.status = status
    number.save(
        update_fields=[
            "status",
            "quarantine_until",
            "emergency_state",
            "emergency_address",
            "renews_at",
        ]
    )
    NumberChange.objects.create(
        tenant=number.tenant,
        number=number,
        kind=kind,
        before=before,
        after=after,
        by_label=by_label,
        approval_id=approval_id,
        key=key,
        at=now,
    )
