from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, connection, transaction

from cliqtel_portal.errors import NotFound
from cliqtel_portal.notices import demo, services
from cliqtel_portal.notices.models import Event, Notice
from tests.factories.accounts import TenantFactory
from tests.factories.notices import EventFactory, NoticeFactory


def test_an_event_of_the_tenant_reaches_all_and_a_persons_only_them(alice, bob, mallory):
    everybody = services.record_event(alice.tenant, kind="order.placed", payload={"n": 1})
    bobs = services.record_event(alice.tenant, kind="order.placed", payload={}, user=bob.user)
    EventFactory(tenant=mallory.tenant)
    tenant = alice.tenant
    assert list(Event.objects.for_user(tenant, alice.user).after(0)) == [everybody]
    assert list(Event.objects.for_user(tenant, bob.user).after(0)) == [everybody, bobs]
    assert list(Event.objects.for_user(tenant, bob.user).after(everybody.pk)) == [bobs]


def test_a_person_of_two_tenants_sees_each_apart(alice, mallory):
    EventFactory(tenant=mallory.tenant, user=alice.user)
    NoticeFactory(tenant=mallory.tenant, user=alice.user)
    assert not Event.objects.for_user(alice.tenant, alice.user).exists()
    assert not Notice.objects.for_user(alice.tenant, alice.user).exists()


@pytest.mark.django_db(transaction=True)
def test_a_tenants_ids_grow_in_the_order_of_commits():
    tenant = TenantFactory()
    order: list[str] = []
    started = threading.Event()

    def second() -> None:
        try:
            started.set()
            services.record_event(tenant, kind="second.event", payload={})
            order.append("second")
        finally:
            connection.close()

    thread = threading.Thread(target=second)
    with transaction.atomic():
        services.record_event(tenant, kind="first.event", payload={})
        thread.start()
        started.wait(5)
        thread.join(0.3)
        assert thread.is_alive(), "the second writer did not wait for the first to commit"
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]
    kinds = Event.objects.for_tenant(tenant).order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == ["first.event", "second.event"]


def test_a_notice_keeps_the_time_of_its_first_reading(alice):
    notice = services.notify(alice.tenant, title="Look", user=alice.user)
    at = datetime(2090, 1, 1, tzinfo=UTC)
    services.mark_read(alice.tenant, user=alice.user, notice_id=notice.id, at=at)
    services.mark_read(alice.tenant, user=alice.user, notice_id=notice.id)
    notice.refresh_from_db()
    assert notice.read_at == at
    assert not Notice.objects.for_user(alice.tenant, alice.user).unread().exists()


def test_nobody_reads_anothers_notice(alice, bob, mallory):
    notice = services.notify(alice.tenant, title="Look", user=alice.user)
    for stranger in (bob, mallory):
        with pytest.raises(NotFound):
            services.mark_read(stranger.tenant, user=stranger.user, notice_id=notice.id)
    notice.refresh_from_db()
    assert notice.read_at is None


@pytest.mark.parametrize("link", ["https://evil.example/", "//evil.example", "/\\evil.example"])
def test_a_notice_links_nowhere_but_the_portal(acme, link):
    with pytest.raises(IntegrityError, match="link_is_path"), transaction.atomic():
        NoticeFactory(tenant=acme, link=link)


def test_seeding_twice_keeps_a_notice_read(acme):
    demo.seed({"acme": acme})
    Notice.objects.update(read_at=datetime(2090, 1, 1, tzinfo=UTC))
    count = Notice.objects.count()
    demo.seed({"acme": acme})
    assert Notice.objects.count() == count
    assert not Notice.objects.filter(read_at__isnull=True).exists()
