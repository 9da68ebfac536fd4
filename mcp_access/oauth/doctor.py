"""The connection doctor: which attempts an admin may see, and how much of each.

An attempt carries the name of an account only once a person or a secret has proved whose it is.
For those that carry none, the app tells, if this account was the first to allow it: an app's id is
public, so anybody could allow it in an account of their own and read along. Apps that go by a
document (CIMD) have one id for the whole world, so their id tells nothing. What came from the
admin's own address during a watch is shown too, without anything of other people's accounts.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from cliqtel_portal.accounts.models import Membership, Tenant
from mcp_access.models import Consent, DoctorWatch, OAuthAttempt
from mcp_access.oauth.diagnosis import Diagnosis, diagnosis_of

PER_PAGE = 25
# Watches that are looked at; older ones of the same admin show nothing any more.
_WATCHES = 5
_ELSEWHERE = Diagnosis(
    cause="Somebody else's attempt, or one for another account. Only there it can be seen how it "
    "went.",
    remedy="If it was yours, choose the right account on the page that asks to Allow.",
)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """An attempt as an admin may see it. What may not be seen is empty, not merely hidden."""

    id: uuid.UUID
    at: datetime
    step: str
    is_ok: bool
    is_known: bool  # whether it may be said how it ended
    reason: str
    detail: str
    app: str
    redirect_host: str
    person: str
    address: str
    is_watched: bool  # shown only because of a watch
    diagnosis: Diagnosis | None


@dataclass(frozen=True, kw_only=True)
class Page:
    findings: list[Finding]
    older: uuid.UUID | None  # `before` of the next page


@transaction.atomic
def start_watch(actor: Membership, address: str) -> DoctorWatch:
    """From now on, for DOCTOR_WATCH_SECONDS, what comes from this address is shown to the actor.

    A watch that still ran ends: there is one at a time. Those that no attempt can match are gone.
    """
    now = timezone.now()
    own = DoctorWatch.objects.filter(tenant=actor.tenant, user=actor.user)
    own.filter(ends_at__lt=now - timedelta(days=settings.OAUTH_ATTEMPT_DAYS)).delete()
    own.filter(ends_at__gt=now).update(ends_at=now)
    return DoctorWatch.objects.create(
        tenant=actor.tenant,
        user=actor.user,
        address=address,
        started_at=now,
        ends_at=now + timedelta(seconds=settings.DOCTOR_WATCH_SECONDS),
    )


def stop_watch(actor: Membership) -> None:
    """A watch that still runs ends now. Idempotent."""
    now = timezone.now()
    running = DoctorWatch.objects.filter(tenant=actor.tenant, user=actor.user, ends_at__gt=now)
    running.update(ends_at=now)


def watches_of(actor: Membership) -> list[DoctorWatch]:
    """The actor's last watches in this tenant, newest first."""
    found = DoctorWatch.objects.filter(tenant=actor.tenant, user=actor.user)
    return list(found.order_by("-started_at")[:_WATCHES])


def findings(
    actor: Membership,
    watches: list[DoctorWatch],
    *,
    failed_only: bool = False,
    before: uuid.UUID | None = None,
) -> Page:
    """The newest attempts that the actor, an admin, may see; older than `before`, if given."""
    own, watched = _of_tenant(actor.tenant), _watched(watches)
    visible = own | watched
    if failed_only:
        # How a stranger's attempt ended is not for this admin: not even by its absence.
        told = Q(tenant=None) & (Q(user=None) | Q(user=actor.user))
        visible = Q(ok=False) & (own | (watched & told))
    found = OAuthAttempt.objects.filter(visible)
    if before is not None:
        found = found.filter(pk__lt=before)
    rows = list(found.select_related("user").order_by("-id")[: PER_PAGE + 1])
    shown = rows[:PER_PAGE]
    own_clients = set(
        _clients_of(actor.tenant)
        .filter(application__client_id__in={row.client_id for row in shown})
        .values_list("application__client_id", flat=True)
    )
    return Page(
        findings=[_finding(actor, row, own_clients) for row in shown],
        older=shown[-1].pk if len(rows) > PER_PAGE else None,
    )


def _of_tenant(tenant: Tenant) -> Q:
    clients = _clients_of(tenant).values("application__client_id")
    return Q(tenant=tenant) | Q(tenant=None, client_id__in=clients)


def _clients_of(tenant: Tenant) -> QuerySet[Consent]:
    """Consents whose app has an id of its own and was allowed here before anywhere else."""
    earlier = Consent.objects.filter(
        application=OuterRef("application"), first_at__lt=OuterRef("first_at")
    ).exclude(tenant=tenant)
    return Consent.objects.filter(~Exists(earlier), tenant=tenant).exclude(
        application__registration_source="cimd"
    )


def _watched(watches: list[DoctorWatch]) -> Q:
    watched = Q(pk__in=[])
    for watch in watches:
        watched |= Q(address=watch.address, at__gte=watch.started_at, at__lt=watch.ends_at)
    return watched


def _finding(actor: Membership, row: OAuthAttempt, own_clients: set[str]) -> Finding:
    is_own = row.tenant_id == actor.tenant_id
    is_watched = not is_own and (row.tenant_id is not None or row.client_id not in own_clients)
    is_actor = row.user_id == actor.user_id
    # Somebody behind the same address, or the actor in another account.
    is_foreign = is_watched and (
        row.tenant_id is not None or (row.user_id is not None and not is_actor)
    )
    if is_foreign:
        diagnosis: Diagnosis | None = _ELSEWHERE
    else:
        diagnosis = None if row.ok else diagnosis_of(row.step, row.reason)
    return Finding(
        id=row.pk,
        at=row.at,
        step=row.get_step_display(),
        is_ok=row.ok and not is_foreign,
        is_known=not is_foreign,
        reason="" if is_foreign else row.reason,
        detail="" if is_foreign else row.detail,
        app=row.client_name,
        redirect_host=row.redirect_host,
        person=row.user.display_name if row.user and (is_own or is_actor) else "",
        address=(row.address or "") if is_own or is_watched else "",
        is_watched=is_watched,
        diagnosis=diagnosis,
    )
