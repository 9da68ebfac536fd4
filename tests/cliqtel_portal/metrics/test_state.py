"""What `/metrics` says of database and Valkey."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from cliqtel_portal import celery, health
from cliqtel_portal.metrics import state
from tests.factories.approvals import make_approval
from tests.factories.audit import make_call, ok
from tests.factories.carriers import CarrierOperationFactory
from tests.wire import free_port

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _read_anew() -> Iterator[None]:
    state.collector.forget()
    yield
    state.collector.forget()


def scrape(client: Client) -> dict[tuple[str, ...], float]:
    """Value by (name, label values)."""
    text = client.get("/metrics").content.decode()
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_approvals_are_counted_by_state_and_over_all_tenants(client, alice, mallory):
    make_approval(alice)
    make_approval(mallory)
    found = scrape(client)
    assert found["cliqtel_approvals", "pending"] == 2
    assert found["cliqtel_approvals", "executed"] == 0
    assert sum(name[0] == "cliqtel_approvals" for name in found) == 8


def test_the_outbox_tells_depth_and_age_of_what_waits(client, acme):
    hour_ago = timezone.now() - timedelta(hours=1)
    CarrierOperationFactory(tenant=acme, created_at=hour_ago)
    CarrierOperationFactory(tenant=acme)
    CarrierOperationFactory(tenant=acme, failed=True, created_at=hour_ago)
    CarrierOperationFactory(tenant=acme, done=True, created_at=hour_ago)
    found = scrape(client)
    assert found["cliqtel_outbox", "pending"] == 2
    assert found["cliqtel_outbox", "accepted"] == 0
    assert found["cliqtel_outbox", "failed"] == 1
    assert ("cliqtel_outbox", "done") not in found
    assert found["cliqtel_outbox_oldest_seconds", "pending"] == pytest.approx(3600, abs=60)
    assert found["cliqtel_outbox_oldest_seconds", "accepted"] == 0
    assert ("cliqtel_outbox_oldest_seconds", "failed") not in found


def test_rows_that_wait_for_their_outcome_are_the_logs_lag(client):
    make_call(at=timezone.now() - timedelta(minutes=5))
    make_call(outcome=ok(), at=timezone.now() - timedelta(minutes=9))
    found = scrape(client)
    assert found["cliqtel_audit_running",] == 1
    assert found["cliqtel_audit_lag_seconds", "running"] == pytest.approx(300, abs=30)
    assert found["cliqtel_audit_lag_seconds", "unsealed"] == pytest.approx(540, abs=30)


def test_the_queue_is_the_one_that_celery_fills(client):
    with celery.app.connection_for_write() as connection:
        queue = connection.SimpleQueue(celery.app.conf.task_default_queue)
        queue.clear()
        assert scrape(client)["cliqtel_celery_queue", "celery"] == 0
        queue.put({"a": "task"})
        state.collector.forget()
        try:
            assert scrape(client)["cliqtel_celery_queue", "celery"] == 1
        finally:
            queue.clear()
            queue.close()


def test_a_worker_that_was_seen_is_told(client):
    health.mark_worker_seen()
    assert scrape(client)["cliqtel_worker_seen",] == 1


def test_one_reading_serves_the_scrapes_of_some_seconds(client, alice, django_assert_num_queries):
    assert scrape(client)["cliqtel_approvals", "pending"] == 0
    make_approval(alice)
    with django_assert_num_queries(0):
        assert scrape(client)["cliqtel_approvals", "pending"] == 0


def test_without_a_database_the_rest_is_still_told(client, monkeypatch):
    def away():
        raise OperationalError("could not connect to db.internal as portal:hunter2")

    monkeypatch.setattr(state, "_database", away)
    found = scrape(client)
    assert found["cliqtel_up", "database"] == 0
    assert found["cliqtel_up", "valkey"] == 1
    assert ("cliqtel_approvals", "pending") not in found
    assert ("cliqtel_celery_queue", "celery") in found


def test_without_valkey_the_rest_is_still_told(client, settings: Settings):
    settings.VALKEY_URL = f"redis://127.0.0.1:{free_port()}/0"
    found = scrape(client)
    assert found["cliqtel_up", "valkey"] == 0
    assert found["cliqtel_up", "database"] == 1
    assert ("cliqtel_celery_queue", "celery") not in found
    assert ("cliqtel_approvals", "pending") in found


def test_methods_that_callers_make_up_are_one_series(client):
    for number in range(5):
        client.generic(f"MADE-UP-{number}", "/healthz")
    text = client.get("/metrics").content.decode()
    assert "MADE-UP" not in text
    assert 'method="<invalid method>"' in text


# Dashboards and alerts are built on these: docs/ops/metrics.md.
NAMES = {
    "cliqtel_approvals": ("state",),
    "cliqtel_audit_lag_seconds": ("what",),
    "cliqtel_audit_running": (),
    "cliqtel_celery_queue": ("queue",),
    "cliqtel_celery_unacknowledged": (),
    "cliqtel_mcp_auth_failures": ("reason",),
    "cliqtel_mcp_refusals": ("reason",),
    "cliqtel_mcp_responses": ("status",),
    "cliqtel_open_sockets": (),
    "cliqtel_outbox": ("state",),
    "cliqtel_outbox_oldest_seconds": ("state",),
    "cliqtel_tool_call_duration_seconds": ("tool", "status"),
    "cliqtel_tool_call_errors": ("code",),
    "cliqtel_tool_calls": ("tool", "status"),
    "cliqtel_up": ("source",),
    "cliqtel_worker_seen": (),
}


def test_names_and_labels_stay_what_they_are():
    from mcp_access import metrics

    state.register()
    counted = {
        metric._name: metric._labelnames
        for metric in vars(metrics).values()
        if hasattr(metric, "_labelnames")
    }
    told = {family.name: tuple(family._labelnames) for family in state.collector.collect()}
    assert counted | told == NAMES
    assert {family.name for family in REGISTRY.collect()} >= set(NAMES)
