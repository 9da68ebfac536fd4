from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from cliqtel_portal.trunks.credentials import set_password
from tests.factories.accounts import UserFactory
from tests.factories.trunks import TrunkFactory

pytestmark = pytest.mark.django_db


def test_staff_see_trunks_without_their_password() -> None:
    trunk = TrunkFactory(name="Office")
    set_password(trunk, password="never-shown-42")
    client = Client()
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    for url in (
        reverse("admin:trunks_trunk_changelist") + "?q=Office",
        reverse("admin:trunks_trunk_change", args=[trunk.pk]),
    ):
        response = client.get(url)
        assert response.status_code == 200
        assert "Office" in response.content.decode()
        assert "never-shown-42" not in response.content.decode()
        assert "gAAAA" not in response.content.decode(), "nor as it is stored"
    assert "Credential of trunk" in response.content.decode(), "that there is one, and of when"
