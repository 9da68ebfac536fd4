"""Stored call flows. `graph` is in JSON form; the default one has no findings."""

from __future__ import annotations

from typing import Any

import factory

from cliqtel_portal.accounts.models import Tenant
from cliqtel_portal.callflows.graph import etag, parse
from cliqtel_portal.callflows.models import CallFlow, Change, Revision
from tests.factories.accounts import TenantFactory
from tests.factories.call_flow_graphs import office_flow


class CallFlowFactory(factory.django.DjangoModelFactory):
    """A draft without any revision; `make_flow` is what most tests want."""

    class Meta:
        model = CallFlow

    tenant = factory.SubFactory(TenantFactory)
    name = factory.Sequence(lambda n: f"Flow {n:03}")


class RevisionFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Revision

    call_flow = factory.SubFactory(CallFlowFactory)
    number = 1
    graph = factory.LazyFunction(office_flow)
    etag = factory.LazyAttribute(lambda revision: etag(parse(revision.graph, strict=False)))
    author_label = "alice@acme.example"


class ChangeFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Change

    base_revision = factory.SubFactory(RevisionFactory)
    call_flow = factory.SelfAttribute("base_revision.call_flow")
    tenant = factory.SelfAttribute("call_flow.tenant")
    operations = factory.LazyFunction(lambda: [{"op": "remove_edge", "id": "e4"}])
    graph = factory.LazyAttribute(lambda change: change.base_revision.graph)
    etag = factory.LazyAttribute(lambda change: change.base_revision.etag)
    author_label = "alice@acme.example"


def make_flow(
    tenant: Tenant, *, revisions: int = 1, graph: dict[str, Any] | None = None, **fields: Any
) -> CallFlow:
    """A flow with that many revisions; active with the newest one unless `status` says draft."""
    status = fields.pop("status", "active")
    flow = CallFlowFactory(tenant=tenant, **fields)
    saved = [
        RevisionFactory(call_flow=flow, number=number, graph=graph or office_flow())
        for number in range(1, revisions + 1)
    ]
    if status != "draft":
        flow.status, flow.active_revision = status, saved[-1]
        flow.save()
    return flow


def retitled(node_id: str, title: str) -> dict[str, Any]:
    """The default graph with another title on one node: another state of the flow."""
    graph = office_flow()
    for node in graph["nodes"]:
        if node["id"] == node_id:
            node["title"] = title
    return graph
