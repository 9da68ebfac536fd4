from __future__ import annotations

import time
import uuid

import pytest

from cliqtel_portal.notices import hints, services
from tests.wire import free_port


@pytest.fixture(autouse=True)
def _fresh(monkeypatch):
    monkeypatch.setattr(hints, "_silent_until", 0.0)


@pytest.fixture
def sent(monkeypatch):
    tenants: list[uuid.UUID] = []
    monkeypatch.setattr(hints, "send", tenants.append)
    return tenants


def test_the_hint_goes_out_when_the_event_is_committed(
    alice, sent, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        services.record_event(alice.tenant, kind="order.placed", payload={})
        assert sent == []
    assert sent == [alice.tenant.pk]


def test_without_valkey_nothing_fails_and_the_next_does_not_even_try(settings, caplog):
    settings.VALKEY_URL = f"redis://127.0.0.1:{free_port()}/0"
    hints.send(uuid.uuid4())
    assert len(caplog.records) == 1
    hints.send(uuid.uuid4())
    assert len(caplog.records) == 1


def test_a_valkey_that_never_answers_holds_a_writer_for_a_bounded_time(settings, monkeypatch):
    import socket

    monkeypatch.setattr(hints, "_TIMEOUT", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.VALKEY_URL = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        begun = time.monotonic()
        hints.send(uuid.uuid4())
        assert time.monotonic() - begun < 10
    assert hints._silent_until > time.monotonic()
