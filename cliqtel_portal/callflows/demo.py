"""Call flows of the demo tenants, with a history that people and AI hosts wrote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from cliqtel_portal.accounts.models import Tenant
from cliqtel_portal.callflows import demo_graphs as graphs
from cliqtel_portal.callflows.graph import etag, parse
from cliqtel_portal.callflows.models import Author, CallFlow, Revision
from cliqtel_portal.trunks.models import Trunk


@dataclass(frozen=True, kw_only=True)
class Saved:
    """One revision to be written."""

    days_ago: int
    author: str
    note: str
    graph: dict[str, Any]
    kind: Author = Author.HUMAN


@dataclass(frozen=True, kw_only=True)
class Flow:
    name: str
    history: Sequence[Saved]
    status: CallFlow.Status = CallFlow.Status.ACTIVE


@transaction.atomic
def seed(tenants: Mapping[str, Tenant]) -> None:
    """Each demo flow is there; one that was, is left as it is, as history can't be rewritten.

    Needs the demo trunks.
    """
    flows = {
        "acme": _acme(_trunk(tenants["acme"], "Amsterdam HQ")),
        "globex": _globex(),
        "initech": _initech(_trunk(tenants["initech"], "Data centre A")),
    }
    now = timezone.now()
    for slug, wanted in flows.items():
        present = set(CallFlow.objects.for_tenant(tenants[slug]).values_list("name", flat=True))
        for flow in wanted:
            if flow.name not in present:
                _save(tenants[slug], flow, now)


def _save(tenant: Tenant, wanted: Flow, now: datetime) -> None:
    first, last = wanted.history[0], wanted.history[-1]
    flow = CallFlow.objects.create(
        tenant=tenant,
        name=wanted.name,
        created_at=now - timedelta(days=first.days_ago),
        updated_at=now - timedelta(days=last.days_ago),
    )
    revisions = Revision.objects.bulk_create(
        [_revision(flow, number, saved, now) for number, saved in enumerate(wanted.history, 1)]
    )
    if wanted.status == CallFlow.Status.ACTIVE:
        CallFlow.objects.filter(pk=flow.pk).update(
            status=wanted.status, active_revision=revisions[-1]
        )


def _revision(flow: CallFlow, number: int, saved: Saved, now: datetime) -> Revision:
    graph = parse(saved.graph)
    return Revision(
        call_flow=flow,
        number=number,
        graph=graph.to_dict(),
        etag=etag(graph),
        note=saved.note,
        author_label=saved.author,
        author_kind=saved.kind,
        created_at=now - timedelta(days=saved.days_ago),
    )


def _trunk(tenant: Tenant, name: str) -> str:
    return str(Trunk.objects.for_tenant(tenant).get(name=name).pk)


def _acme(trunk_id: str) -> list[Flow]:
    return [
        Flow(
            name="Main reception",
            history=[
                Saved(
                    days_ago=210,
                    author="owner@acme.test",
                    note="First version",
                    graph=graphs.main_reception(holidays=[], has_billing=False),
                ),
                Saved(
                    days_ago=96,
                    author="Claude (token Ops agent)",
                    kind=Author.AI_HOST,
                    note="Add public holidays 2026 and 2027",
                    graph=graphs.main_reception(
                        holidays=graphs.HOLIDAYS_2026_27, has_billing=False
                    ),
                ),
                Saved(
                    days_ago=12,
                    author="approver@acme.test",
                    note="Key 3 leads to billing",
                    graph=graphs.main_reception(holidays=graphs.HOLIDAYS_2026_27, has_billing=True),
                ),
            ],
        ),
        Flow(
            name="Sales queue",
            history=[
                Saved(
                    days_ago=150,
                    author="owner@acme.test",
                    note="Dutch and English queues",
                    graph=graphs.sales_queue(wait=300),
                ),
                Saved(
                    days_ago=31,
                    author="Cursor (token Sales tools)",
                    kind=Author.AI_HOST,
                    note="Shorter wait before the next queue",
                    graph=graphs.sales_queue(wait=180),
                ),
            ],
        ),
        Flow(
            name="Support",
            history=[
                Saved(
                    days_ago=180,
                    author="approver@acme.test",
                    note="Long hours, engineer on call",
                    graph=graphs.support(has_lookup=False),
                ),
                Saved(
                    days_ago=45,
                    author="Claude (token Ops agent)",
                    kind=Author.AI_HOST,
                    note="Look up the contract before the queue",
                    graph=graphs.support(has_lookup=True),
                ),
            ],
        ),
        Flow(
            name="After hours",
            history=[
                Saved(
                    days_ago=120,
                    author="owner@acme.test",
                    note="Night menu with a duty manager",
                    graph=graphs.after_hours(),
                )
            ],
        ),
        Flow(
            name="Billing line",
            history=[
                Saved(
                    days_ago=12,
                    author="approver@acme.test",
                    note="Own line for invoices",
                    graph=graphs.billing_line(trunk_id),
                )
            ],
        ),
        Flow(
            name="Holiday line",
            status=CallFlow.Status.DRAFT,
            history=[
                Saved(
                    days_ago=2,
                    author="Claude (token Ops agent)",
                    kind=Author.AI_HOST,
                    note="Draft for the end of the year",
                    graph=graphs.holiday_line(),
                )
            ],
        ),
    ]


def _globex() -> list[Flow]:
    return [
        Flow(
            name="Front desk",
            history=[
                Saved(
                    days_ago=75,
                    author="owner@globex.test",
                    note="First version",
                    graph=graphs.front_desk(),
                )
            ],
        )
    ]


def _initech(trunk_id: str) -> list[Flow]:
    return [
        Flow(
            name="Global switchboard",
            history=[
                Saved(
                    days_ago=300,
                    author="owner@initech.test",
                    note="Desks by region",
                    graph=graphs.switchboard(trunk_id),
                )
            ],
        ),
        Flow(
            name="Service desk",
            history=[
                Saved(
                    days_ago=64,
                    author="owner@initech.test",
                    note="Ticket state by phone",
                    graph=graphs.service_desk(wait=600),
                ),
                Saved(
                    days_ago=9,
                    author="Copilot Studio (Initech helpdesk)",
                    kind=Author.AI_HOST,
                    note="Voicemail after five minutes",
                    graph=graphs.service_desk(wait=300),
                ),
            ],
        ),
    ]
