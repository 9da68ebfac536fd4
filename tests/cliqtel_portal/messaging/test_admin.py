from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from tests.factories.accounts import UserFactory
from tests.factories.messaging import MessageFactory

pytestmark = pytest.mark.django_db


def test_staff_see_a_message_without_its_text() -> None:
    message = MessageFactory(body="my code is 4711")
    client = Client()
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    for url in (
        reverse("admin:messaging_message_changelist"),
        reverse("admin:messaging_message_change", args=[message.pk]),
    ):
        response = client.get(url)
        assert response.status_code == 200
        assert str(message.pk) in response.content.decode()
        assert "4711" not in response.content.decode()
