"""`/ws/events/` on a real daphne."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing

import pytest
from django.db import connection
from django.utils import timezone
from websockets.exceptions import InvalidStatus

from cliqtel_portal.accounts.models import Membership, Tenant, User
from cliqtel_portal.notices.services import record_event
from tests.cliqtel_portal.notices.sockets import close_code, heard, signed_in, socket
from tests.factories.accounts import MembershipFactory
from tests.factories.notices import EventFactory
from tests.wire import daphne, free_port

pytestmark = [pytest.mark.wire, pytest.mark.django_db(transaction=True)]


def happens(tenant, **options):
    return record_event(tenant, kind="order.placed", payload={"n": 1}, **options)


def test_only_pages_of_ours_and_signed_in_people_get_a_socket(web, alice):
    browser = signed_in(alice.user)
    refused = [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": None},
        {"path": "/ws/other/"},
        {"headers": {"Authorization": "Bearer ct_mcp_x"}},
    ]
    for options in refused:
        with pytest.raises(InvalidStatus) as caught, socket(web, browser, **options):
            pass
        assert caught.value.response.status_code == 403, options
    with socket(web, None) as opened:
        assert close_code(opened) == 4401
    with socket(web, None, path="/ws/events/?token=ct_mcp_x") as opened:
        assert close_code(opened) == 4401
    for place in ("x", "-1", "9" * 30):
        with socket(web, browser, path=f"/ws/events/?after={place}") as opened:
            assert close_code(opened) == 4400


def test_an_event_reaches_the_people_it_is_for_at_once(web, alice, bob, mallory, settings):
    old = EventFactory(tenant=alice.tenant)
    with (
        socket(web, signed_in(alice.user)) as alices,
        socket(web, signed_in(bob.user)) as bobs,
        socket(web, signed_in(mallory.user)) as mallorys,
    ):
        assert heard(alices) == {"type": "hello", "last": old.pk}
        assert heard(bobs)["last"] == old.pk
        assert heard(mallorys) == {"type": "hello", "last": 0}
        time.sleep(0.3)  # until the hub listens
        begun = time.monotonic()
        event = happens(alice.tenant)
        assert heard(alices) == {
            "type": "event",
            "id": event.pk,
            "kind": "order.placed",
            "payload": {"n": 1},
            "at": event.created_at.isoformat(),
        }
        assert heard(bobs)["id"] == event.pk
        bobs_own = happens(alice.tenant, user=bob.user)
        assert heard(bobs)["id"] == bobs_own.pk
        everyones = happens(alice.tenant)
        assert heard(alices)["id"] == everyones.pk
        # Without hints there is a look at the database between any two of them.
        assert time.monotonic() - begun < 2 * settings.SOCKET_CHECK_SECONDS
        for opened in (alices, mallorys):
            opened.send('{"type": "ping"}')
            assert heard(opened) == {"type": "pong"}


def test_a_page_says_nothing_but_ping(web, alice):
    browser = signed_in(alice.user)
    for message in ("hello", '{"type": "approve"}', b"ping", "[" * 9000, "x" * 5000):
        with socket(web, browser) as opened:
            opened.send(message)
            assert close_code(opened) == 4400, message


def test_a_person_has_a_bounded_number_of_sockets(web, alice, settings):
    browser = signed_in(alice.user)
    with ExitStack() as stack:
        for _ in range(settings.SOCKETS_PER_USER):
            assert heard(stack.enter_context(socket(web, browser)))["type"] == "hello"
        with socket(web, browser) as opened:
            assert close_code(opened) == 4429
        stack.pop_all().close()
    with socket(web, browser) as opened:
        assert heard(opened)["type"] == "hello"


def test_who_missed_too_much_or_comes_from_elsewhere_starts_anew(web, alice, settings):
    events = EventFactory.create_batch(settings.EVENT_REPLAY_MAX + 1, tenant=alice.tenant)
    last = events[-1].pk
    browser = signed_in(alice.user)
    for after in (0, last + 1000):
        with socket(web, browser, after=after) as opened:
            assert heard(opened) == {"type": "hello", "last": last}
            assert heard(opened) == {"type": "reset", "last": last}
            event = happens(alice.tenant)
            assert heard(opened)["id"] == event.pk
            last = event.pk


def test_replay_loses_and_doubles_nothing_while_two_write(web, alice):
    browser = signed_in(alice.user)

    def write(name):
        with closing(connection):
            for n in range(25):
                record_event(alice.tenant, kind="order.placed", payload={"n": n, "by": name})

    got, place = [], 0
    with ThreadPoolExecutor(2) as threads:
        writers = [threads.submit(write, name) for name in ("one", "two")]
        while len(got) < 50:
            # Cut off after every seventh event: the page goes on from the last it saw.
            with socket(web, browser, after=place) as opened:
                assert heard(opened)["type"] == "hello"
                for _ in range(min(7, 50 - len(got))):
                    event = heard(opened, seconds=20)
                    got.append(event)
                    place = event["id"]
        for writer in writers:
            writer.result()
    ids = [event["id"] for event in got]
    assert ids == sorted(set(ids))
    for name in ("one", "two"):
        mine = [event["payload"]["n"] for event in got if event["payload"]["by"] == name]
        assert mine == list(range(25))


def end_by_signing_out(browser, membership):
    browser.logout()


def end_by_password(browser, membership):
    membership.user.set_password("another horse battery")
    membership.user.save()


def end_by_disabling(browser, membership):
    User.objects.filter(pk=membership.user_id).update(is_active=False)


def end_by_membership(browser, membership):
    Membership.objects.filter(pk=membership.pk).update(ended_at=timezone.now())


def end_by_suspension(browser, membership):
    Tenant.objects.filter(pk=membership.tenant_id).update(status="suspended")


def end_by_role(browser, membership):
    Membership.objects.filter(pk=membership.pk).update(role="viewer")


def end_by_switching(browser, membership):
    other = MembershipFactory(user=membership.user)
    browser.post("/account/tenant/", {"tenant": other.tenant.slug})


ENDS = {
    end_by_signing_out: 4401,
    end_by_password: 4401,
    end_by_disabling: 4401,
    end_by_membership: 4401,
    end_by_suspension: 4401,
    end_by_role: 4409,
    end_by_switching: 4409,
}


def test_sockets_of_who_lost_their_seat_close_at_the_next_look(web):
    with ExitStack() as stack:
        opened = {}
        for end in ENDS:
            membership = MembershipFactory()
            browser = signed_in(membership.user)
            opened[end] = stack.enter_context(socket(web, browser))
            assert heard(opened[end])["type"] == "hello"
            end(browser, membership)
        stays = stack.enter_context(socket(web, signed_in(MembershipFactory().user)))
        assert {end: close_code(each) for end, each in opened.items()} == ENDS
        stays.send('{"type": "ping"}')
        assert heard(stays)["type"] == "hello"
        assert heard(stays)["type"] == "pong"


def test_without_valkey_news_comes_late_and_a_stop_does_not_wait_for_sockets(alice):
    # The socket is left after the process, which `daphne` holds to its stop.
    with (
        ExitStack() as sockets,
        daphne(VALKEY_URL=f"redis://127.0.0.1:{free_port()}/0") as deaf,
    ):
        opened = sockets.enter_context(socket(deaf, signed_in(alice.user)))
        assert heard(opened)["type"] == "hello"
        for _ in range(2):
            event = happens(alice.tenant)
            assert heard(opened)["id"] == event.pk
