"""What the clock deletes, and what it must leave alone."""

from __future__ import annotations

import threading
import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.db.models import ProtectedError
from django.utils import timezone
from oauth2_provider.models import Application

from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.celery import app as celery
from cliqtel_portal.locks import advisory_lock
from mcp_access import tasks
from mcp_access.models import AccessToken, Consent, ConsumedCode, Grant, OAuthAttempt, RefreshToken
from mcp_access.oauth import retention
from tests.factories.oauth import make_application, make_session
from tests.mcp_access.oauth.host import Host

pytestmark = pytest.mark.django_db


def ago(**gap: float) -> datetime:
    return timezone.now() - timedelta(**gap)


def make_client(*, hours: float = 73, source: str = "dcr") -> Application:
    """A client that registered so many hours ago."""
    client = make_application()
    Application.objects.filter(pk=client.pk).update(
        created=ago(hours=hours), registration_source=source
    )
    return client


def make_consent(membership: Membership, client: Any, **fields: Any) -> Consent:
    values = {
        "tenant": membership.tenant,
        "user": membership.user,
        "application": client,
        "asked_scope": "mcp.docs.read",
        "scope": "mcp.docs.read",
        "redirect_uri": "https://claude.example/callback",
    }
    return Consent.objects.create(**(values | fields))


def make_grant(membership: Membership, client: Any, *, expires: datetime) -> Grant:
    return Grant.objects.create(
        tenant=membership.tenant,
        user=membership.user,
        application=client,
        code=uuid.uuid4().hex * 2,
        expires=expires,
        redirect_uri="https://claude.example/callback",
        scope="mcp.docs.read",
    )


def make_attempt(**fields: Any) -> OAuthAttempt:
    return OAuthAttempt.objects.create(**({"step": "register", "ok": True} | fields))


def test_a_client_that_nobody_ever_allowed_goes_after_three_days() -> None:
    gone = [make_client(hours=72.1), make_client(hours=1_000)]
    fresh, manual = make_client(hours=71.9), make_client(source="manual")

    tasks.collect_unused_clients()

    assert set(Application.objects.all()) == {fresh, manual}
    assert retention.collect_unused_clients() == 0
    assert not Application.objects.filter(pk__in=[client.pk for client in gone]).exists()


def test_the_time_that_a_client_has_is_a_setting(settings: Any) -> None:
    make_client(hours=5)
    settings.OAUTH_UNUSED_CLIENT_HOURS = 4

    assert retention.collect_unused_clients() == 1


@pytest.mark.parametrize("use", ["consent", "grant", "session", "access token", "code"])
def test_a_client_that_was_used_in_any_way_stays(alice: Membership, use: str) -> None:
    client = make_client()
    if use == "consent":
        make_consent(alice, client, revoked_at=timezone.now())
    elif use == "grant":
        make_grant(alice, client, expires=ago(hours=1))
    elif use == "code":
        ConsumedCode.objects.create(code="c" * 64, application=client, token_family=uuid.uuid4())
    else:
        session = make_session(alice, client, revoked=timezone.now())
        if use == "access token":
            session.delete()

    tasks.collect_unused_clients()

    assert Application.objects.filter(pk=client.pk).exists()


def test_clients_go_in_batches_to_the_last() -> None:
    for _ in range(5):
        make_client()

    assert retention.collect_unused_clients(batch=2) == 5


def test_a_collected_client_reads_that_it_has_to_register_again(client: Any, alice: Any) -> None:
    host = Host(client)
    host.register()
    Application.objects.update(created=ago(hours=80))
    tasks.collect_unused_clients()
    client.force_login(alice.user)

    page = host.authorize()

    assert page.status_code == 400
    assert b"its registration has lapsed" in page.content
    assert OAuthAttempt.objects.filter(client_id=host.client_id).exists(), "the doctor still knows"


def test_a_client_collected_while_its_question_is_read_fails_in_words(
    client: Any, alice: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = Host(client)
    host.register()
    client.force_login(alice.user)
    monkeypatch.setattr(retention, "hold_client", lambda _application_id: False)

    answer = host.decide("allow")
    Application.objects.update(created=ago(hours=80))
    tasks.collect_unused_clients()

    assert answer.status_code == 302
    page = client.get(answer["Location"])
    assert page.status_code == 400
    assert b"its registration has lapsed" in page.content
    assert not Consent.objects.exists()
    assert not Grant.objects.exists()


def test_the_database_protects_a_client_in_use(alice: Membership) -> None:
    consent = make_consent(alice, make_client())

    with pytest.raises(ProtectedError):
        consent.application.delete()


@pytest.mark.django_db(transaction=True)
def test_a_client_that_is_just_being_allowed_is_left_alone(alice: Membership) -> None:
    client = make_client()
    held, decided = threading.Event(), threading.Event()

    def person() -> None:
        try:
            with transaction.atomic():
                assert retention.hold_client(client.pk)
                make_consent(alice, client)
                held.set()
                assert decided.wait(10)
        finally:
            connections.close_all()

    thread = threading.Thread(target=person)
    thread.start()
    try:
        assert held.wait(10)
        assert retention.collect_unused_clients() == 0
    finally:
        decided.set()
        thread.join(10)
    assert Consent.objects.get().application == client


@pytest.mark.django_db(transaction=True)
def test_who_comes_after_the_collector_is_told_that_the_client_is_gone() -> None:
    client = make_client()
    answers: list[bool] = []

    def person() -> None:
        try:
            with transaction.atomic():
                answers.append(retention.hold_client(client.pk))
        finally:
            connections.close_all()

    with transaction.atomic():
        assert retention.collect_unused_clients() == 1
        thread = threading.Thread(target=person)
        thread.start()
        thread.join(0.3)
        assert thread.is_alive(), "the person did not wait for the collector"
    thread.join(10)
    assert answers == [False]


def test_a_consent_between_the_look_and_the_lock_is_seen(
    alice: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = make_client()
    unused = retention._unused_clients
    looks: list[int] = []

    def look() -> Any:
        if looks:
            make_consent(alice, client)
        looks.append(unused().count())
        return unused()

    monkeypatch.setattr(retention, "_unused_clients", look)

    assert retention.collect_unused_clients() == 0
    assert looks == [1, 0]
    assert Application.objects.filter(pk=client.pk).exists()


def test_attempts_are_kept_for_thirty_days(settings: Any) -> None:
    kept = make_attempt(at=ago(days=29.9))
    make_attempt(at=ago(days=30.1))
    make_attempt(at=ago(days=400), ok=False, reason="invalid_redirect_uri")

    tasks.delete_old_attempts()

    assert list(OAuthAttempt.objects.all()) == [kept]
    settings.OAUTH_ATTEMPT_DAYS = 29
    assert retention.delete_old_attempts() == 1


def test_codes_go_when_they_can_do_nothing_any_more(alice: Membership) -> None:
    client = make_client()
    live = make_grant(alice, client, expires=timezone.now() + timedelta(seconds=60))
    make_grant(alice, client, expires=ago(seconds=1))
    fields = {"application": client, "token_family": uuid.uuid4()}
    kept = ConsumedCode.objects.create(code="a" * 64, consumed_at=ago(days=29.9), **fields)
    ConsumedCode.objects.create(code="b" * 64, consumed_at=ago(days=30.1), **fields)

    tasks.delete_spent_codes()

    assert list(Grant.objects.all()) == [live]
    assert list(ConsumedCode.objects.all()) == [kept]


def test_a_used_code_is_remembered_for_as_long_as_its_session(client: Any, alice: Any) -> None:
    host = Host(client)
    host.register()
    client.force_login(alice.user)
    code = host.code()
    host.redeem(code)
    ConsumedCode.objects.update(consumed_at=ago(days=29))
    tasks.delete_spent_codes()

    host.redeem(code)

    assert not RefreshToken.objects.filter(revoked__isnull=True).exists()


def test_sessions_go_by_their_own_end_with_their_access_tokens(alice: Membership) -> None:
    client = make_client()
    # Its end is 401 days ago although the longest session that could be would end later.
    short = make_session(alice, client, created=ago(days=410), expires=ago(days=409))
    RefreshToken.objects.filter(pk=short.pk).update(expires_at=ago(days=401))
    revoked = make_session(alice, client, revoked=ago(days=401), expires=ago(days=401))
    kept = make_session(alice, client, revoked=ago(days=399), expires=ago(days=399))
    live = make_session(alice, client)

    tasks.purge_dead_tokens()

    assert set(RefreshToken.objects.all()) == {kept, live}
    assert set(AccessToken.objects.all()) == {kept.access_token, live.access_token}
    assert revoked.pk not in set(RefreshToken.objects.values_list("pk", flat=True))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", ["collect_unused_clients", "delete_old_attempts"])
def test_a_task_that_runs_elsewhere_is_not_run_again(name: str) -> None:
    make_client()
    make_attempt(at=ago(days=90))
    taken, done = threading.Event(), threading.Event()

    def elsewhere() -> None:
        try:
            with advisory_lock(f"mcp_access.{name}") as acquired:
                assert acquired
                taken.set()
                done.wait(10)
        finally:
            connection.close()

    thread = threading.Thread(target=elsewhere)
    thread.start()
    try:
        assert taken.wait(10)
        getattr(tasks, name)()
        assert Application.objects.count() == OAuthAttempt.objects.count() == 1
    finally:
        done.set()
        thread.join(10)
    getattr(tasks, name)()
    assert Application.objects.count() + OAuthAttempt.objects.count() == 1


@pytest.mark.parametrize(
    ("task", "seconds"),
    [
        ("cliqtel_portal.numbers.tasks.delete_expired_offers", 300),
        ("cliqtel_portal.numbers.tasks.release_expired_reservations", 60),
        ("mcp_access.tasks.collect_unused_clients", None),
        ("mcp_access.tasks.delete_spent_codes", None),
        ("mcp_access.tasks.delete_old_attempts", None),
        ("mcp_access.tasks.purge_dead_tokens", None),
    ],
)
def test_it_is_in_the_timetable_once_and_the_worker_knows_it(
    task: str, seconds: float | None
) -> None:
    celery.loader.import_default_modules()
    (entry,) = [one for one in celery.conf.beat_schedule.values() if one["task"] == task]
    assert task in celery.tasks
    if seconds is not None:
        assert entry["schedule"] == seconds
