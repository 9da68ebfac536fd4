from __future__ import annotations

import re
import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.messaging import forms
from cliqtel_portal.messaging.models import MessagingLimit, MessagingLimitChange, OptOut
from cliqtel_portal.messaging.views import opt_outs
from cliqtel_portal.numbers.models import PhoneNumber
from tests.cliqtel_portal.messaging.conftest import ANNA, SENDER
from tests.factories.accounts import MembershipFactory
from tests.factories.messaging import (
    MessageBatchFactory,
    MessageFactory,
    MessagingLimitFactory,
    OptOutFactory,
)

pytestmark = pytest.mark.django_db

LIST, OPT_OUTS, LIMIT = "/messaging/", "/messaging/opt-outs/", "/settings/messaging/"
HOSTILE = '<script>alert(1)</script>" \u202e'


def signed_in(membership: Membership) -> Client:
    client = Client()
    client.force_login(membership.user)
    return client


def page_of(membership: Membership, url: str = LIST, **query: str) -> str:
    response = signed_in(membership).get(url, query)
    assert response.status_code == 200
    return response.content.decode()


def receivers(page: str) -> list[str]:
    """Of the list's rows, in its order."""
    found = re.findall(r'data-label="To"><span class="nowrap">([^<]+)<', page)
    return [one.replace(" ", "") for one in found]


def test_a_stranger_is_sent_to_the_login() -> None:
    batch = MessageBatchFactory()
    for url in (LIST, OPT_OUTS, LIMIT, reverse("messaging:batch", args=[batch.pk])):
        response = Client().get(url)
        assert response.status_code == 302
        assert "/account/login/" in response["Location"]


def test_the_list_shows_what_came_and_went_newest_first_and_no_text(alice: Membership) -> None:
    tenant, now = alice.tenant, timezone.now()
    batch = MessageBatchFactory(
        tenant=tenant,
        sent=True,
        by_ai_host=True,
        client_label=HOSTILE,
        body="my code is 4711",
    )
    MessageFactory(tenant=tenant, batch=batch, body="my code is 4711", status="delivered")
    MessageFactory(
        tenant=tenant,
        to_number="+447700900155",
        status="undelivered",
        error_code="absent_subscriber",
        created_at=now - timedelta(hours=1),
    )
    MessageFactory(
        tenant=tenant, received=True, to_number=SENDER, created_at=now - timedelta(hours=2)
    )
    page = page_of(alice)
    assert receivers(page) == ["+447700900101", "+447700900155", SENDER]
    assert "4711" not in page
    assert "<script>alert" not in page
    assert "Absent subscriber" in page
    assert reverse("messaging:batch", args=[batch.pk]) in page


def test_another_tenant_sees_none_of_it(alice: Membership, mallory: Membership) -> None:
    batch = MessageBatchFactory(tenant=alice.tenant, sent=True)
    MessageFactory(tenant=alice.tenant, batch=batch)
    OptOutFactory(tenant=alice.tenant)
    MessageBatchFactory(tenant=alice.tenant)
    page = page_of(mallory)
    assert receivers(page) == []
    assert "No messages yet" in page
    assert "Nothing waits" in page
    assert "Nobody opted out" in page_of(mallory, OPT_OUTS)
    response = signed_in(mallory).get(reverse("messaging:batch", args=[batch.pk]))
    assert response.status_code == 404


def test_a_viewer_sees_masked_numbers_and_no_text(alice: Membership) -> None:
    viewer = MembershipFactory(tenant=alice.tenant, role="viewer")
    batch = MessageBatchFactory(tenant=alice.tenant, sent=True)
    MessageFactory(tenant=alice.tenant, batch=batch, to_number=ANNA)
    OptOutFactory(tenant=alice.tenant, peer_number=ANNA)
    for page in (page_of(viewer), page_of(viewer, OPT_OUTS)):
        assert "+44********01" in page
        assert "900201" not in page
        assert str(batch.pk) not in page
    response = signed_in(viewer).get(reverse("messaging:batch", args=[batch.pk]))
    assert response.status_code == 403


def test_filters_narrow_the_list(alice: Membership) -> None:
    MessageFactory(tenant=alice.tenant, to_number="+447700900111", status="rejected")
    MessageFactory(tenant=alice.tenant, to_number="+447700900112", channel="whatsapp")
    assert receivers(page_of(alice, status="rejected")) == ["+447700900111"]
    assert receivers(page_of(alice, channel="whatsapp")) == ["+447700900112"]
    assert "No message matches" in page_of(alice, status="queued", channel="sms")
    assert receivers(page_of(alice, status="nonsense")) == []


def test_pages_go_back_and_forth_and_other_cursors_are_ignored(alice: Membership) -> None:
    moment = timezone.now()
    # Of one moment all: the id decides.
    MessageFactory.create_batch(101, tenant=alice.tenant, created_at=moment)
    seen: list[str] = []
    page = page_of(alice)
    first = page
    for _ in range(3):
        seen += re.findall(r'data-label="To"', page)
        later = re.search(r'href="\?after=([0-9]+\.[0-9a-f-]+)" rel="next"', page)
        if later is None:
            break
        page = page_of(alice, after=later[1])
    assert len(seen) == 101
    earlier = re.search(r'href="\?before=([0-9]+\.[0-9a-f-]+)" rel="prev"', page)
    assert earlier is not None
    assert page_of(alice, before=earlier[1]).count('data-label="To"') == 50
    for odd in ("x", f"1.{uuid.uuid4()}x", "9" * 18 + "." + "f" * 36):
        assert receivers(page_of(alice, after=odd)) == receivers(first)


def test_the_list_takes_few_queries(
    alice: Membership, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(5):
        batch = MessageBatchFactory(tenant=alice.tenant, sent=True)
        MessageFactory(tenant=alice.tenant, batch=batch)
        MessageBatchFactory(tenant=alice.tenant)
    client = signed_in(alice)
    with django_assert_max_num_queries(14):
        client.get(LIST)


def test_today_and_what_is_held_are_shown(alice: Membership) -> None:
    assert "No limit is set" in page_of(alice)
    MessagingLimitFactory(tenant=alice.tenant)
    MessageFactory(tenant=alice.tenant)
    approval = uuid.uuid4()
    MessageBatchFactory(tenant=alice.tenant, approval_id=approval)
    MessageBatchFactory(tenant=alice.tenant, state="withdrawn")
    page = page_of(alice)
    assert '1 <span class="muted">of 5 messages' in page
    assert "€0.93 of €1.00 left" in page
    assert page.count("SMS to 1 person") == 1
    assert f"/approvals/{approval}/" in page


def test_a_batch_shows_its_text_as_text_and_what_became_of_it(alice: Membership) -> None:
    batch = MessageBatchFactory(tenant=alice.tenant, sent=True, by_ai_host=True, body=HOSTILE)
    MessageFactory(tenant=alice.tenant, batch=batch, status="delivered")
    page = page_of(alice, reverse("messaging:batch", args=[batch.pk]))
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page
    assert "1 delivered" in page
    assert "Within the day&#x27;s limit" in page or "Within the day's limit" in page


def test_an_approver_enters_and_ends_an_opt_out(acme: object, sender: PhoneNumber) -> None:
    carol = MembershipFactory(tenant=sender.tenant, role="approver")
    client = signed_in(carol)
    values = {"peer_number": "+44 7700 900201", "our_number": SENDER, "channel": "sms"}
    assert client.post(OPT_OUTS, values).status_code == 302
    opt_out = OptOut.objects.live().get()
    assert (opt_out.peer_number, opt_out.added_by) == (ANNA, carol.user)
    assert client.post(reverse("messaging:opt-out-end", args=[opt_out.pk])).status_code == 302
    assert not OptOut.objects.live().exists()


def test_a_wrong_number_is_told_beside_its_field(alice: Membership, sender: PhoneNumber) -> None:
    values = {"peer_number": "0612", "our_number": "+447700900999", "channel": "sms"}
    response = signed_in(alice).post(OPT_OUTS, values)
    assert response.status_code == 400
    values["our_number"] = SENDER
    response = signed_in(alice).post(OPT_OUTS, values)
    assert "Not a telephone number" in response.content.decode()
    assert not OptOut.objects.exists()


def test_who_has_many_numbers_types_which_one(
    alice: Membership, sender: PhoneNumber, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A menu of thousands would be slow, and one that is cut off would lack some."""
    assert f'<option value="{SENDER}"' in page_of(alice, OPT_OUTS)
    for module in (forms, opt_outs):
        monkeypatch.setattr(module, "LONGEST_MENU", 0)
    page = page_of(alice, OPT_OUTS)
    assert f'<option value="{SENDER}"' not in page
    values = {"peer_number": ANNA, "our_number": "+44 7700 900999", "channel": "sms"}
    answer = signed_in(alice).post(OPT_OUTS, values)
    assert "That is not one of your numbers." in answer.content.decode()
    values["our_number"] = SENDER
    assert signed_in(alice).post(OPT_OUTS, values).status_code == 302
    assert OptOut.objects.live().get().our_number == SENDER


def test_members_and_strangers_end_no_opt_out(
    bob: Membership, mallory: Membership, sender: PhoneNumber
) -> None:
    opt_out = OptOutFactory(tenant=bob.tenant)
    url = reverse("messaging:opt-out-end", args=[opt_out.pk])
    assert signed_in(mallory).post(url).status_code == 404
    assert signed_in(bob).post(url).status_code == 302
    assert signed_in(bob).get(url).status_code == 405
    values = {"peer_number": ANNA, "our_number": SENDER, "channel": "sms"}
    assert signed_in(bob).post(OPT_OUTS, values).status_code == 403
    assert OptOut.objects.live().get() == opt_out


def test_an_admin_sets_the_limit_and_is_named(alice: Membership) -> None:
    client = signed_in(alice)
    response = client.post(LIMIT, {"messages_per_day": "20", "amount_per_day": "2.50"})
    assert response.status_code == 302
    limit = MessagingLimit.objects.for_tenant(alice.tenant).get()
    assert (limit.messages_per_day, limit.amount_per_day) == (20, Decimal("2.50"))
    assert MessagingLimitChange.objects.get().set_by == alice.user
    page = page_of(alice, LIMIT)
    assert "20 messages and €2.50 a day" in page
    assert 'value="2.50"' in page


@pytest.mark.parametrize("role", ["viewer", "member", "approver"])
def test_others_see_the_limit_and_can_not_set_it(alice: Membership, role: str) -> None:
    MessagingLimitFactory(tenant=alice.tenant)
    other = MembershipFactory(tenant=alice.tenant, role=role)
    page = page_of(other, LIMIT)
    assert "Admins and owners set it" in page
    assert "Save</button>" not in page
    response = signed_in(other).post(LIMIT, {"messages_per_day": "99", "amount_per_day": "9"})
    assert response.status_code == 403
    assert MessagingLimit.objects.get().messages_per_day == 5


def test_a_limit_out_of_bounds_is_told(alice: Membership) -> None:
    response = signed_in(alice).post(
        LIMIT, {"messages_per_day": "100001", "amount_per_day": "0.001"}
    )
    assert response.status_code == 400
    assert not MessagingLimit.objects.exists()


def test_the_pages_are_in_the_navigation(alice: Membership) -> None:
    assert '<a href="/messaging/" aria-current="page">' in page_of(alice)
    assert 'href="/settings/messaging/" aria-current="page"' in page_of(alice, LIMIT)
