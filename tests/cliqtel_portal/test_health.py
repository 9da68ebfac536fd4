"""Is the process up, and is all there that it needs."""

from __future__ import annotations

import socket
import time
from urllib.parse import urlsplit

import pytest
from django.core.cache import cache
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from pytest_django import Settings

from cliqtel_portal import health, tasks
from tests.wire import free_port

READY = {"database": "ok", "valkey": "ok", "migrations": "ok", "worker": "ok"}
SECRET = "postgres://portal:hunter2@db.internal:5432/portal"


@pytest.fixture(autouse=True)
def _as_in_a_new_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_is_migrated", False)
    cache.delete(health.WORKER_KEY)


def valkey_at(settings: Settings, port: int) -> None:
    named = urlsplit(settings.CACHES["default"]["LOCATION"])
    netloc = named.netloc.replace(f":{named.port}", f":{port}")
    location = named._replace(netloc=netloc).geturl()
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": location}}


def checks(client: Client, status: int) -> dict[str, str]:
    answer = client.get("/readyz")
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/json"
    assert answer["Cache-Control"] == "no-store"
    body = answer.json()
    assert body["status"] == ("ok" if status == 200 else "unavailable")
    return body["checks"]


def test_healthz_needs_nothing_but_the_process(client: Client, settings: Settings) -> None:
    # Without the `db` fixture every use of the database fails this test.
    valkey_at(settings, free_port())
    answer = client.get("/healthz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "checks": {"process": "ok"}}
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.django_db
def test_readyz_is_200_when_all_is_there(client: Client) -> None:
    health.mark_worker_seen()
    assert checks(client, 200) == READY
    assert not client.cookies


@pytest.mark.django_db
def test_a_worker_that_was_not_seen_is_not_ready(client: Client) -> None:
    assert checks(client, 503) == READY | {"worker": "failed"}


@pytest.mark.django_db
def test_the_workers_heartbeat_counts_for_a_minute(client: Client) -> None:
    tasks.heartbeat.delay()
    assert checks(client, 200) == READY
    assert 50 < cache._cache.get_client().ttl(cache.make_key(health.WORKER_KEY)) <= 60


@pytest.mark.django_db
def test_without_valkey_is_not_ready(client: Client, settings: Settings) -> None:
    health.mark_worker_seen()
    valkey_at(settings, free_port())
    assert checks(client, 503) == READY | {"valkey": "failed", "worker": "failed"}


@pytest.mark.django_db
def test_a_valkey_that_never_answers_does_not_hold_the_check(
    client: Client, settings: Settings
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        valkey_at(settings, mute.getsockname()[1])
        began = time.monotonic()
        assert checks(client, 503) == READY | {"valkey": "failed", "worker": "failed"}
        assert time.monotonic() - began < 5  # as long as orchestrators wait


@pytest.mark.django_db
def test_an_unapplied_migration_is_not_ready(client: Client) -> None:
    health.mark_worker_seen()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'mcp_access'")
    assert checks(client, 503) == READY | {"migrations": "failed"}


@pytest.mark.django_db
def test_migrations_are_looked_for_until_they_are_there(client: Client) -> None:
    health.mark_worker_seen()
    recorder = MigrationRecorder(connection)
    applied = [name for app, name in recorder.applied_migrations() if app == "mcp_access"]
    for name in applied:
        recorder.record_unapplied("mcp_access", name)
    checks(client, 503)
    for name in applied:
        recorder.record_applied("mcp_access", name)
    assert checks(client, 200) == READY


@pytest.mark.django_db
def test_without_the_database_is_not_ready_and_tells_no_secret(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    health.mark_worker_seen()

    def refuse(*_: object) -> None:
        raise OperationalError(f"connection to {SECRET} refused")

    monkeypatch.setattr(connection, "cursor", refuse)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"] == READY | {"database": "failed", "migrations": "failed"}
    for leak in ("hunter2", "db.internal", "5432", "refused", "OperationalError"):
        assert leak not in answer.content.decode()
    assert "the database does not answer" in caplog.text


@pytest.mark.django_db
def test_no_answer_holds_an_address_or_a_password(client: Client, settings: Settings) -> None:
    password = urlsplit(settings.CACHES["default"]["LOCATION"]).password
    assert password
    valkey_at(settings, port := free_port())
    text = client.get("/readyz").content.decode()
    assert password not in text
    assert str(port) not in text
    assert "127.0.0.1" not in text


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_only_reading_is_allowed(client: Client, path: str) -> None:
    assert client.post(path).status_code == 405


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
@pytest.mark.django_db
def test_checks_come_over_plain_http_from_inside(
    client: Client, settings: Settings, path: str
) -> None:
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]  # as in prod
    health.mark_worker_seen()
    assert client.get(path).status_code == 200
