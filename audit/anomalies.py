"""Rules on the log: what in its newest minutes a person should hear of.

Each is one statement over the ids of the window, which lie at the end of an index; what it asks of
older rows, it asks for the few tenants that the window points at.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Count

from audit.models import Alert, SeenNetwork
from audit.networks import network_of
from cliqtel_portal.ids import first_uuid7_at, moment_of

Rule = Alert.Rule

# A session of OAuth gets a new token each hour: app and person are what stays.
_SUBJECT = "CASE WHEN client_id = '' THEN token_id::text ELSE client_id || ' ' || user_id::text END"
# Of the rows of one subject the newest says who it is: names change, and tokens of a session.
_WHO = (
    "(array_agg(token_id ORDER BY id DESC))[1],"
    " (array_agg(token_label ORDER BY id DESC))[1],"
    " (array_agg(user_id ORDER BY id DESC))[1],"
    " (array_agg(user_label ORDER BY id DESC))[1]"
)
_SCOPE_MISUSE = f"""
SELECT tenant_id, {_SUBJECT}, {_WHO}, count(*),
       jsonb_build_object('scopes', to_jsonb(array_agg(DISTINCT scope_required)))
FROM mcp_tool_calls
WHERE status = 'error' AND id >= %(low)s AND id < %(high)s
  AND error_code IN ('insufficient_scope', 'not_permitted')
GROUP BY 1, 2 HAVING count(*) >= %(least)s
"""
_ENUMERATION = f"""
SELECT tenant_id, {_SUBJECT}, {_WHO}, count(DISTINCT argument_digest),
       jsonb_build_object('calls', count(*))
FROM mcp_tool_calls
WHERE status = 'error' AND id >= %(low)s AND id < %(high)s AND error_code = 'not_found'
GROUP BY 1, 2 HAVING count(DISTINCT argument_digest) >= %(least)s
"""
# An approval's id tells when it was made: asking about old ones is no draft. Tools without a scope
# only tell of approvals.
_DRAFT_BURST = f"""
SELECT tenant_id, {_SUBJECT}, {_WHO}, count(DISTINCT approval_id),
       jsonb_build_object('calls', count(*))
FROM mcp_tool_calls
WHERE id >= %(low)s AND id < %(high)s AND status = 'ok' AND scope_required <> ''
  AND approval_id >= %(low)s AND parent_id IS NULL
GROUP BY 1, 2 HAVING count(DISTINCT approval_id) >= %(least)s
"""
# For the tenants with many errors now: their calls now, their errors since the baseline began,
# those at the same time of the days before, and their first call.
_ERROR_SPIKE = """
WITH recent AS (
    SELECT tenant_id, count(*) AS errors FROM mcp_tool_calls
    WHERE status = 'error' AND id >= %(low)s AND id < %(high)s
    GROUP BY 1 HAVING count(*) >= %(least)s
)
SELECT tenant_id, errors,
    (SELECT count(*) FROM mcp_tool_calls c
     WHERE c.tenant_id = recent.tenant_id AND c.id >= %(low)s AND c.id < %(high)s),
    (SELECT count(*) FROM mcp_tool_calls c
     WHERE c.tenant_id = recent.tenant_id AND c.status = 'error'
       AND c.id >= %(past)s AND c.id < %(low)s),
    (SELECT count(*) FROM unnest(%(day_lows)s::uuid[], %(day_highs)s::uuid[]) AS day (low, high)
     JOIN mcp_tool_calls c ON c.tenant_id = recent.tenant_id AND c.status = 'error'
       AND c.id >= day.low AND c.id < day.high),
    (SELECT c.id FROM mcp_tool_calls c
     WHERE c.tenant_id = recent.tenant_id ORDER BY c.id LIMIT 1)
FROM recent
"""
# Dead tokens tell nothing of where the living ones are used.
_ADDRESSES = f"""
SELECT tenant_id, {_SUBJECT}, address, {_WHO}, min(started_at), max(started_at)
FROM mcp_tool_calls
WHERE id >= %(low)s AND id < %(high)s AND address <> '' AND error_code <> 'invalid_token'
  AND parent_id IS NULL
GROUP BY 1, 2, 3
"""
SEVERE = frozenset({Rule.SCOPE_MISUSE, Rule.DRAFT_BURST, Rule.ENUMERATION})


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What a rule saw. `token_id` is the newest token of the subject; None: the whole tenant."""

    rule: Alert.Rule
    tenant_id: uuid.UUID
    count: int
    subject: str = ""
    token_id: uuid.UUID | None = None
    token_label: str = ""
    user_id: uuid.UUID | None = None
    user_label: str = ""
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def severity(self) -> Alert.Severity:
        return Alert.Severity.SEVERE if self.rule in SEVERE else Alert.Severity.WARNING


def find_all(now: datetime) -> list[Finding]:
    """What the rules say of the window that ends now. Reads only, except what networks were seen.

    Call it in the transaction that writes the alerts: a network is new once.
    """
    return [
        *_by_token(Rule.SCOPE_MISUSE, _SCOPE_MISUSE, settings.ALERT_SCOPE_MISUSE_CALLS, now),
        *_by_token(Rule.ENUMERATION, _ENUMERATION, settings.ALERT_GUESSES, now),
        *_by_token(Rule.DRAFT_BURST, _DRAFT_BURST, settings.ALERT_DRAFTS, now),
        *_error_spikes(now),
        *_new_networks(now),
    ]


def window() -> timedelta:
    return timedelta(seconds=settings.ALERT_WINDOW_SECONDS)


def _by_token(rule: Alert.Rule, statement: str, least: int, now: datetime) -> list[Finding]:
    return [
        Finding(
            rule=rule,
            tenant_id=tenant_id,
            subject=subject,
            token_id=token_id,
            token_label=token_label,
            user_id=user_id,
            user_label=user_label,
            count=count,
            details=json.loads(details),
        )
        for (
            tenant_id,
            subject,
            token_id,
            token_label,
            user_id,
            user_label,
            count,
            details,
        ) in _rows(statement, {**_bounds(now), "least": least})
    ]


def _error_spikes(now: datetime) -> list[Finding]:
    days = settings.ALERT_BASELINE_DAYS
    starts = now - window()
    past = starts - timedelta(days=days)
    parameters = {
        **_bounds(now),
        "least": settings.ALERT_ERRORS_MIN,
        "past": first_uuid7_at(past),
        "day_lows": [first_uuid7_at(starts - timedelta(days=day + 1)) for day in range(days)],
        "day_highs": [first_uuid7_at(now - timedelta(days=day + 1)) for day in range(days)],
    }
    findings = []
    for tenant_id, errors, calls, before, at_this_time, first_id in _rows(_ERROR_SPIKE, parameters):
        known_for = starts - max(past, moment_of(first_id))
        if now - moment_of(first_id) < timedelta(seconds=settings.ALERT_FIRST_HOUR_SECONDS):
            usual = 0.0
            is_spike = (
                errors >= settings.ALERT_FIRST_HOUR_ERRORS_MIN
                and errors >= settings.ALERT_FIRST_HOUR_ERROR_SHARE * calls
            )
        else:
            known_days = max(1.0, min(float(days), known_for / timedelta(days=1)))
            usual = max(before / max(known_for / window(), 1.0), at_this_time / known_days)
            is_spike = errors >= settings.ALERT_ERRORS_FACTOR * usual
        if is_spike:
            details = {"calls": calls, "usual": round(usual, 1)}
            findings.append(
                Finding(rule=Rule.ERROR_SPIKE, tenant_id=tenant_id, count=errors, details=details)
            )
    return findings


def _new_networks(now: datetime) -> list[Finding]:
    """Remembers where each token was used, and finds those used from somewhere new to them."""
    seen: dict[tuple[uuid.UUID, str, str], list[Any]] = {}
    for tenant_id, subject, address, *who, first, last in _rows(_ADDRESSES, _bounds(now)):
        network = network_of(address)
        if network:
            entry = seen.setdefault((tenant_id, subject, network), [who, first, last])
            entry[1:] = [min(entry[1], first), max(entry[2], last)]
    if not seen:
        return []
    before = now - timedelta(days=settings.ALERT_NETWORK_DAYS)
    subjects = {(tenant_id, subject) for tenant_id, subject, _ in seen}
    mine = SeenNetwork.objects.filter(
        tenant_id__in={tenant_id for tenant_id, _ in subjects},
        subject__in={subject for _, subject in subjects},
        last_seen_at__gte=before,
    )
    known = set(mine.values_list("tenant_id", "subject", "network"))
    counted = mine.values("tenant_id", "subject").annotate(networks=Count("pk"))
    networks = {(row["tenant_id"], row["subject"]): row["networks"] for row in counted}
    _remember(seen)
    news: dict[tuple[uuid.UUID, str], list[tuple[str, list[Any]]]] = {}
    for (tenant_id, subject, network), (who, _, _) in seen.items():
        # Its first networks tell nothing, and neither does one more of very many.
        usual = networks.get((tenant_id, subject), 0)
        is_told = 0 < usual < settings.ALERT_ROAMING_NETWORKS
        if is_told and (tenant_id, subject, network) not in known:
            news.setdefault((tenant_id, subject), []).append((network, who))
    return [
        Finding(
            rule=Rule.NEW_NETWORK,
            tenant_id=tenant_id,
            subject=subject,
            token_id=found[0][1][0],
            token_label=found[0][1][1],
            user_id=found[0][1][2],
            user_label=found[0][1][3],
            count=len(found),
            details={"networks": sorted(network for network, _ in found)[:10]},
        )
        for (tenant_id, subject), found in news.items()
    ]


def _remember(seen: dict[tuple[uuid.UUID, str, str], list[Any]]) -> None:
    SeenNetwork.objects.bulk_create(
        [
            SeenNetwork(
                tenant_id=tenant_id,
                subject=subject,
                network=network,
                first_seen_at=first,
                last_seen_at=last,
            )
            for (tenant_id, subject, network), (_, first, last) in sorted(
                seen.items(), key=lambda item: (str(item[0][0]), *item[0][1:])
            )
        ],
        update_conflicts=True,
        unique_fields=["tenant_id", "subject", "network"],
        update_fields=["last_seen_at"],
    )


def forget_networks(now: datetime) -> int:
    """Networks that are new again are gone; return how many."""
    before = now - timedelta(days=settings.ALERT_NETWORK_DAYS)
    forgotten, _ = SeenNetwork.objects.unseen_since(before).delete()
    return forgotten


def _bounds(now: datetime) -> dict[str, Any]:
    return {"low": first_uuid7_at(now - window()), "high": first_uuid7_at(now)}


def _rows(statement: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())
