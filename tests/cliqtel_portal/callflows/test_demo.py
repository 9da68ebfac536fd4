from __future__ import annotations

import pytest

from cliqtel_portal.accounts.models import Tenant
from cliqtel_portal.callflows import demo
from cliqtel_portal.callflows.graph import etag, parse
from cliqtel_portal.callflows.lint import lint
from cliqtel_portal.callflows.models import CallFlow, Revision
from cliqtel_portal.trunks import demo as trunks_demo
from tests.factories.accounts import TenantFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def tenants() -> dict[str, Tenant]:
    tenants = {slug: TenantFactory(slug=slug) for slug in ("acme", "globex", "initech")}
    trunks_demo.seed(tenants)
    demo.seed(tenants)
    return tenants


def test_acme_has_five_active_flows_and_a_draft(tenants: dict[str, Tenant]) -> None:
    flows = CallFlow.objects.for_tenant(tenants["acme"])
    assert {flow.name for flow in flows.filter(status="active")} == {
        "Main reception",
        "Sales queue",
        "Support",
        "After hours",
        "Billing line",
    }
    assert [flow.name for flow in flows.filter(status="draft")] == ["Holiday line"]


def test_every_active_graph_is_free_of_errors_and_one_has_a_warning(
    tenants: dict[str, Tenant],
) -> None:
    warned = set()
    for flow in CallFlow.objects.filter(status="active").select_related("active_revision"):
        assert flow.active_revision is not None
        graph = parse(flow.active_revision.graph)
        assert 5 <= len(graph.nodes) <= 12
        findings = lint(graph)
        assert [finding for finding in findings if finding.severity == "error"] == []
        warned |= {flow.name for _ in findings}
    assert warned == {"Support"}


def test_histories_are_written_by_people_and_ai_hosts_and_each_step_changes_something(
    tenants: dict[str, Tenant],
) -> None:
    assert set(Revision.objects.values_list("author_kind", flat=True)) == {"human", "ai_host"}
    for flow in CallFlow.objects.all():
        revisions = list(flow.revisions.order_by("number"))
        assert [revision.number for revision in revisions] == list(range(1, len(revisions) + 1))
        assert len({revision.etag for revision in revisions}) == len(revisions)
        assert revisions == sorted(revisions, key=lambda revision: revision.created_at)
        assert flow.updated_at == revisions[-1].created_at
        for revision in revisions:
            assert revision.etag == etag(parse(revision.graph))


def test_a_second_run_adds_nothing(tenants: dict[str, Tenant]) -> None:
    before = set(Revision.objects.values_list("pk", flat=True))
    demo.seed(tenants)
    assert CallFlow.objects.count() == 9
    assert set(Revision.objects.values_list("pk", flat=True)) == before
