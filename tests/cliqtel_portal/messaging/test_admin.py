from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from tests.factories.accounts import UserFactory
from tests.factories.messaging import (
    MessageBatchFactory,
    MessageFactory,
    MessageTemplateFactory,
    OptOutFactory,
)

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


def test_staff_see_of_a_batch_neither_text_nor_receivers() -> None:
    batch = MessageBatchFactory(body="my code is 4711")
    client = Client()
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    for name, key in (
        ("messagebatch", batch.pk),
        ("optout", OptOutFactory().pk),
        ("messagetemplate", MessageTemplateFactory().pk),
    ):
        for url in (
            reverse(f"admin:messaging_{name}_changelist"),
            reverse(f"admin:messaging_{name}_change", args=[key]),
        ):
            response = client.get(url)
            assert response.status_code == 200
            assert "4711" not in response.content.decode()
            assert batch.recipients[0] not in response.content.decode()
