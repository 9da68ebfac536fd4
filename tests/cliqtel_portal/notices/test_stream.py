from __future__ import annotations

import pytest

from cliqtel_portal.notices import stream
from tests.factories.notices import EventFactory


@pytest.fixture
def tenant(alice):
    return alice.tenant


def test_a_reader_gets_what_came_after_its_place_in_order(tenant, alice):
    first, second, third = (EventFactory(tenant=tenant) for _ in range(3))
    batch = stream.read_after(tenant, alice.user, first.pk)
    assert (batch.events, batch.last, batch.is_reset) == ((second, third), third.pk, False)
    assert stream.read_after(tenant, alice.user, third.pk).events == ()
    assert stream.read_after(tenant, alice.user, third.pk).last == third.pk


def test_others_news_are_not_read_and_not_counted(tenant, alice, bob, mallory):
    mine = EventFactory(tenant=tenant, user=alice.user)
    EventFactory(tenant=tenant, user=bob.user)
    EventFactory(tenant=mallory.tenant)
    assert stream.newest_id(tenant, alice.user) == mine.pk
    assert stream.read_after(tenant, alice.user, 0).events == (mine,)


def test_who_missed_too_much_starts_anew_at_the_newest(tenant, alice, settings):
    settings.EVENT_REPLAY_MAX = 2
    events = [EventFactory(tenant=tenant) for _ in range(3)]
    batch = stream.read_after(tenant, alice.user, 0)
    assert (batch.events, batch.last, batch.is_reset) == ((), events[-1].pk, True)
    assert stream.read_after(tenant, alice.user, events[0].pk).events == tuple(events[1:])


def test_a_place_of_another_stream_starts_anew(tenant, alice):
    newest = EventFactory(tenant=tenant)
    batch = stream.resume_after(tenant, alice.user, newest.pk + 1)
    assert (batch.events, batch.last, batch.is_reset) == ((), newest.pk, True)
    assert not stream.resume_after(tenant, alice.user, newest.pk).is_reset


def test_an_empty_stream_begins_at_nought(tenant, alice):
    assert stream.newest_id(tenant, alice.user) == 0
    assert not stream.resume_after(tenant, alice.user, 0).is_reset


def test_the_newest_of_many_tenants_is_one_query(alice, bob, mallory, django_assert_num_queries):
    EventFactory(tenant=alice.tenant)
    bobs = EventFactory(tenant=alice.tenant, user=bob.user)
    with django_assert_num_queries(1):
        found = stream.newest_by_tenant({alice.tenant_id, mallory.tenant_id})
    assert found == {alice.tenant_id: bobs.pk, mallory.tenant_id: 0}
