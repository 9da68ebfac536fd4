"""Alerts: raised by what the rules found, told once, seen to by a person."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from audit import alert_words, anomalies, reactions, slack
from audit.anomalies import Finding
from audit.models import Alert
from cliqtel_portal.accounts import permissions
from cliqtel_portal.accounts.models import Membership, Tenant, User
from cliqtel_portal.errors import NotFound, NotPermitted
from cliqtel_portal.notices.models import Notice
from cliqtel_portal.notices.services import notify

State = Alert.State


@transaction.atomic
def look(now: datetime | None = None) -> list[Alert]:
    """The newest minutes of the log were looked at; return the alerts that are new.

    Run by one at a time (an advisory lock in the task). Safe to run again at once: what is open
    already is only brought up to date.
    """
    now = now or timezone.now()
    findings = anomalies.find_all(now)
    tenants = Tenant.objects.in_bulk({finding.tenant_id for finding in findings})
    found = [
        _raise(tenants[finding.tenant_id], finding, now)
        for finding in findings
        if finding.tenant_id in tenants
    ]
    _end_quiet(now)
    return [alert for alert in found if alert is not None]


def get_alert(actor: Membership, alert_id: uuid.UUID) -> Alert:
    """Raises NotFound: no alert of the actor's tenant."""
    alerts = Alert.objects.for_tenant(actor.tenant).select_related("acknowledged_by")
    alert = alerts.filter(pk=alert_id).first()
    if alert is None:
        raise NotFound("There is no such alert.")
    return alert


@transaction.atomic
def acknowledge(actor: Membership, alert_id: uuid.UUID) -> Alert:
    """Somebody has seen to it. Idempotent: the first stays named; one that is over stays over.

    Raises:
        NotPermitted: below admin. NotFound: no alert of the actor's tenant.
    """
    if not permissions.may_manage_all_tokens(actor.role):
        raise NotPermitted("Admins and owners see to alerts.")
    Alert.objects.for_tenant(actor.tenant).open().filter(pk=alert_id).update(
        state=State.ACKNOWLEDGED, acknowledged_at=timezone.now(), acknowledged_by=actor.user
    )
    return get_alert(actor, alert_id)


def admins_of(tenant: Tenant) -> list[User]:
    """Who is told: everybody who may see to alerts."""
    members = Membership.objects.live().filter(tenant=tenant, user__is_active=True)
    return [
        member.user
        for member in members.select_related("user").order_by("pk")
        if permissions.may_manage_all_tokens(member.role)
    ]


def _raise(tenant: Tenant, finding: Finding, now: datetime) -> Alert | None:
    """The new alert; None where one is open, or was acknowledged while this window lasted."""
    same = Alert.objects.for_tenant(tenant).filter(rule=finding.rule, subject=finding.subject)
    alert = same.open().select_for_update().first()
    if alert is not None:
        alert.last_seen_at = max(now, alert.first_seen_at)
        alert.count = max(alert.count, finding.count)
        alert.details = _joined(alert.details, finding.details)
        alert.save(update_fields=["last_seen_at", "count", "details"])
        return None
    if same.filter(acknowledged_at__gt=now - anomalies.window()).exists():
        return None
    alert = Alert.objects.create(
        tenant=tenant,
        rule=finding.rule,
        severity=finding.severity,
        subject=finding.subject,
        token_id=finding.token_id,
        token_label=finding.token_label,
        user_id=finding.user_id,
        user_label=finding.user_label,
        count=finding.count,
        details=finding.details,
        first_seen_at=now,
        last_seen_at=now,
    )
    if alert.severity == Alert.Severity.SEVERE and reactions.react(alert):
        alert.details = {**alert.details, "restricted": True}
        alert.save(update_fields=["details"])
    _tell(alert, admins_of(tenant))
    return alert


def _joined(old: dict[str, object], new: dict[str, object]) -> dict[str, object]:
    """The newest facts; networks add up."""
    joined = {**old, **new}
    for name, value in old.items():
        other = new.get(name)
        if isinstance(value, list) and isinstance(other, list):
            joined[name] = sorted({*map(str, value), *map(str, other)})[:10]
    return joined


def _tell(alert: Alert, admins: Iterable[User]) -> None:
    level = Notice.Level.WARNING
    if alert.severity == Alert.Severity.SEVERE:
        level = Notice.Level.ERROR
    for admin in admins:
        notify(
            alert.tenant,
            user=admin,
            level=level,
            title=alert_words.title_of(alert)[:120],
            body=alert_words.sentence_of(alert)[:500],
            link=alert_words.path_of(alert),
        )
    slack.tell(alert)


def _end_quiet(now: datetime) -> None:
    before = now - timedelta(seconds=settings.ALERT_QUIET_SECONDS)
    Alert.objects.open().filter(last_seen_at__lt=before).update(state=State.OVER)
