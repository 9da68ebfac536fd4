"""Staff follow the outbox, hurry it, and set the sandbox's faults."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from cliqtel_portal.carriers import services
from cliqtel_portal.carriers.models import SandboxFault, SandboxRequest
from tests.factories.accounts import UserFactory
from tests.factories.carriers import CarrierOperationFactory, SandboxFaultFactory

pytestmark = pytest.mark.django_db

OPERATIONS = "/admin/carriers/carrieroperation/"


@pytest.fixture
def staff(client):
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    return client


def hurry(client, *operations):
    return client.post(
        OPERATIONS,
        {"action": "try_again", "_selected_action": [str(row.pk) for row in operations]},
        follow=True,
    )


@pytest.mark.parametrize(
    "model", ["carrieroperation", "sandboxrequest", "sandboxnumber", "webhookreceipt"]
)
def test_what_happened_is_read_and_not_edited(staff, acme, handler, model):
    order = services.enqueue(
        acme, kind="order_numbers", idempotency_key="order:1", payload={"order_id": "1"}
    )
    services.perform(order.pk)
    assert staff.get(f"/admin/carriers/{model}/").status_code == 200
    assert staff.get(f"/admin/carriers/{model}/add/").status_code == 403


def test_the_doubtful_ones_are_found_by_a_filter(staff, acme):
    doubtful = CarrierOperationFactory(tenant=acme, failed=True, is_uncertain=True)
    CarrierOperationFactory(tenant=acme, failed=True)
    response = staff.get(OPERATIONS + "?is_uncertain__exact=1&state__exact=failed")
    assert [row.pk for row in response.context["cl"].result_list] == [doubtful.pk]
    assert response.content.decode().count("the carrier may have done it") == 1


def test_pending_ones_are_tried_again_at_once_and_no_others(
    staff, acme, handler, django_capture_on_commit_callbacks
):
    waiting = services.enqueue(
        acme, kind="order_numbers", idempotency_key="order:1", payload={"order_id": "1"}
    )
    type(waiting).objects.update(due_at=timezone.now() + timedelta(hours=1))
    failed = CarrierOperationFactory(tenant=acme, carrier="sandbox", failed=True)
    with django_capture_on_commit_callbacks(execute=True):
        response = hurry(staff, waiting, failed)
    assert "1 will be tried again now." in response.content.decode()
    assert "1 are not pending" in response.content.decode()
    waiting.refresh_from_db()
    failed.refresh_from_db()
    assert (waiting.state, failed.state) == ("done", "failed")
    assert SandboxRequest.objects.count() == 1


def test_who_may_only_look_cannot_hurry(client, acme, handler):
    viewer = UserFactory(is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_carrieroperation"))
    client.force_login(viewer)
    due_at = timezone.now() + timedelta(hours=1)
    waiting = CarrierOperationFactory(tenant=acme, carrier="sandbox", due_at=due_at)
    assert client.get(OPERATIONS).status_code == 200
    hurry(client, waiting)
    waiting.refresh_from_db()
    assert waiting.due_at == due_at


def test_an_owner_of_a_tenant_sees_none_of_it(client, alice):
    client.force_login(alice.user)
    assert client.get(OPERATIONS).status_code == 302
    assert client.post("/admin/carriers/sandboxfault/add/", {}).status_code == 302
    assert not SandboxFault.objects.exists()


def test_a_fault_is_set_and_changed(staff):
    values = {"fault": "timeout_after", "kind": "", "number": "", "seconds": 2, "times_left": 3}
    staff.post("/admin/carriers/sandboxfault/add/", values)
    fault = SandboxFault.objects.get()
    assert (fault.fault, fault.seconds, fault.times_left) == ("timeout_after", 2, 3)
    staff.post("/admin/carriers/sandboxfault/add/", {**values, "number": "020 1234567"})
    assert SandboxFault.objects.count() == 1  # it would wait for ever
    changed = SandboxFaultFactory(fault="reject")
    staff.post(f"/admin/carriers/sandboxfault/{changed.pk}/change/", {**values, "times_left": 0})
    changed.refresh_from_db()
    assert (changed.fault, changed.times_left) == ("timeout_after", 0)
