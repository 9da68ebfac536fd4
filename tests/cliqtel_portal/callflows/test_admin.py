from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from tests.factories.accounts import TenantFactory, UserFactory
from tests.factories.callflows import ChangeFactory, make_flow

pytestmark = pytest.mark.django_db


def test_staff_read_flows_revisions_and_changes_and_edit_none() -> None:
    client = Client()
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    flow = make_flow(TenantFactory())
    rows = {
        "callflow": flow,
        "revision": flow.active_revision,
        "change": ChangeFactory(base_revision=flow.active_revision),
    }
    for name, row in rows.items():
        assert client.get(reverse(f"admin:callflows_{name}_changelist")).status_code == 200
        change = reverse(f"admin:callflows_{name}_change", args=[row.pk])
        assert client.get(change).status_code == 200
        assert client.post(change, {"status": "archived"}).status_code == 403
        assert client.get(reverse(f"admin:callflows_{name}_add")).status_code == 403
        assert (
            client.post(reverse(f"admin:callflows_{name}_delete", args=[row.pk])).status_code == 403
        )
