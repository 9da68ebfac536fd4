from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from cliqtel_portal.callflows.models import CallFlow, Change, Revision
from tests.factories.accounts import TenantFactory
from tests.factories.callflows import CallFlowFactory, ChangeFactory, RevisionFactory, make_flow

pytestmark = pytest.mark.django_db


def check_keys_at_once() -> None:
    """Deferred foreign keys are checked at commit, and tests roll back instead."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_a_revision_never_changes() -> None:
    revision = RevisionFactory(note="first")
    with (
        pytest.raises(IntegrityError, match="append-only"),
        transaction.atomic(),
    ):
        Revision.objects.filter(pk=revision.pk).update(note="second")
    revision.refresh_from_db()
    assert revision.note == "first"


def test_a_revision_is_never_deleted() -> None:
    revision = RevisionFactory()
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        Revision.objects.filter(pk=revision.pk).delete()
    assert Revision.objects.filter(pk=revision.pk).exists()


@pytest.mark.parametrize(
    ("constraint", "fields"),
    [
        ("callflows_revision_number_positive", {"number": 0}),
        ("callflows_revision_etag_sha256", {"etag": "abc"}),
        ("callflows_revision_author_kind_valid", {"author_kind": "ghost"}),
    ],
)
def test_the_database_refuses_a_revision_that_cannot_be(
    constraint: str, fields: dict[str, Any]
) -> None:
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        RevisionFactory(**fields)


def test_a_number_of_a_revision_is_used_once_in_a_flow() -> None:
    revision = RevisionFactory(number=1)
    with (
        pytest.raises(IntegrityError, match="callflows_revision_number_unique"),
        transaction.atomic(),
    ):
        RevisionFactory(call_flow=revision.call_flow, number=1)
    RevisionFactory(number=1)


def test_a_name_is_free_in_another_tenant_only() -> None:
    flow = CallFlowFactory(name="Reception")
    with (
        pytest.raises(IntegrityError, match="callflows_callflow_name_unique"),
        transaction.atomic(),
    ):
        CallFlowFactory(tenant=flow.tenant, name="Reception")
    CallFlowFactory(name="Reception")


@pytest.mark.parametrize("status", ["active", "gone"])
def test_a_flow_without_revision_is_not_active(status: str) -> None:
    with (
        pytest.raises(IntegrityError, match="callflows_callflow_active_has_revision"),
        transaction.atomic(),
    ):
        CallFlowFactory(status=status)


def test_a_draft_has_no_active_revision() -> None:
    flow = make_flow(TenantFactory())
    with (
        pytest.raises(IntegrityError, match="callflows_callflow_active_has_revision"),
        transaction.atomic(),
    ):
        CallFlow.objects.filter(pk=flow.pk).update(status="draft")


def test_a_flow_is_never_active_with_the_revision_of_another() -> None:
    flow, other = make_flow(TenantFactory()), make_flow(TenantFactory())
    check_keys_at_once()
    with (
        pytest.raises(IntegrityError, match="callflows_callflow_active_revision_own"),
        transaction.atomic(),
    ):
        CallFlow.objects.filter(pk=flow.pk).update(active_revision=other.active_revision)


def test_a_change_has_the_tenant_of_its_flow() -> None:
    check_keys_at_once()
    with (
        pytest.raises(IntegrityError, match="callflows_change_same_tenant"),
        transaction.atomic(),
    ):
        ChangeFactory(tenant=TenantFactory())


def test_a_change_is_based_on_a_revision_of_its_flow() -> None:
    revision = RevisionFactory()
    flow = make_flow(revision.call_flow.tenant)
    check_keys_at_once()
    with (
        pytest.raises(IntegrityError, match="callflows_change_same_flow"),
        transaction.atomic(),
    ):
        ChangeFactory(base_revision=revision, call_flow=flow)


def test_the_database_refuses_a_change_that_cannot_be() -> None:
    with (
        pytest.raises(IntegrityError, match="callflows_change_status_valid"),
        transaction.atomic(),
    ):
        ChangeFactory(status="lost")
    change = ChangeFactory()
    with (
        pytest.raises(IntegrityError, match="callflows_change_dated"),
        transaction.atomic(),
    ):
        Change.objects.filter(pk=change.pk).update(
            updated_at=change.created_at - timedelta(seconds=1)
        )
