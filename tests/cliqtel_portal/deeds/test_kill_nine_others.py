"""`kill -9` between a deed and the record of it, for the deeds that ask no carrier themselves."""

from __future__ import annotations

import signal
from collections.abc import Callable
from decimal import Decimal

import pytest

from approvals.models import Approval
from approvals.services import approve
from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.billing.models import LedgerEntry
from cliqtel_portal.callflows.models import CallFlow, Revision
from cliqtel_portal.carriers.models import CarrierOperation, SandboxRequest
from cliqtel_portal.deeds.assign_number import draft_assign_number
from cliqtel_portal.deeds.release_number import draft_release_number
from cliqtel_portal.deeds.send_message import send_or_draft
from cliqtel_portal.deeds.update_route import draft_change
from cliqtel_portal.messaging.models import Message
from cliqtel_portal.messaging.models.formats import Channel
from cliqtel_portal.numbers.change_models import NumberChange
from cliqtel_portal.numbers.models import PhoneNumber
from tests.factories.accounts import MembershipFactory
from tests.factories.billing import LedgerEntryFactory
from tests.factories.callflows import make_flow
from tests.factories.deeds import requester_of
from tests.factories.numbers import PhoneNumberFactory
from tests.factories.pricing import PriceFactory
from tests.factories.trunks import TrunkFactory

pytestmark = [pytest.mark.wire, pytest.mark.django_db(transaction=True)]

SENDER, ANNA, BEN = "+447700900100", "+447700900201", "+447700900202"
RECORD = "approvals.execution:_succeed"


def message(member: Membership) -> Approval:
    PriceFactory(country="GB", number_type="mobile", sms_out=Decimal("0.05"))
    LedgerEntryFactory(tenant=member.tenant, amount=Decimal("10.00"))
    PhoneNumberFactory(
        tenant=member.tenant,
        e164=SENDER,
        country="GB",
        number_type="mobile",
        capabilities=["sms"],
    )
    return send_or_draft(
        requester_of(member), from_number=SENDER, to=[ANNA, BEN], channel=Channel.SMS, text="Hello"
    ).approval


def messages_were_sent_once() -> None:
    assert {row.to_number: row.status for row in Message.objects.all()} == {
        ANNA: "sent",
        BEN: "sent",
    }
    assert SandboxRequest.objects.count() == CarrierOperation.objects.count() == 2
    assert LedgerEntry.objects.get(kind="messages").amount == Decimal("-0.10")


def assignment(member: Membership) -> Approval:
    number = PhoneNumberFactory(tenant=member.tenant)
    trunk = TrunkFactory(tenant=member.tenant)
    _, approval = draft_assign_number(
        requester_of(member), number=number.e164, target_kind="trunk", target_id=trunk.pk
    )
    return approval


def the_number_was_connected_once() -> None:
    assert PhoneNumber.objects.get().trunk is not None
    assert NumberChange.objects.count() == 1


def release(member: Membership) -> Approval:
    number = PhoneNumberFactory(tenant=member.tenant)
    _, approval = draft_release_number(
        requester_of(member), number=number.e164, confirm_number=number.e164
    )
    return approval


def the_number_was_given_up_once() -> None:
    assert PhoneNumber.objects.get().status == "quarantine"
    assert NumberChange.objects.count() == 1


def route(member: Membership) -> Approval:
    flow = make_flow(member.tenant)
    return draft_change(
        requester_of(member),
        call_flow_id=flow.pk,
        base_etag=flow.active_revision.etag,
        operations=[{"op": "update_node", "id": "sales", "title": "Sales desk"}],
    ).approval


def the_flow_was_published_once() -> None:
    assert Revision.objects.count() == 2
    assert CallFlow.objects.get().active_revision.number == 2


DEEDS: dict[str, tuple[Callable[[Membership], Approval], Callable[[], None], str, str]] = {
    "a message": (message, messages_were_sent_once, RECORD, "before"),
    "half a message": (
        message,
        messages_were_sent_once,
        "cliqtel_portal.messaging.services.sending:enqueue_all",
        "after",
    ),
    "an assignment": (assignment, the_number_was_connected_once, RECORD, "before"),
    "a release": (release, the_number_was_given_up_once, RECORD, "before"),
    "a route": (route, the_flow_was_published_once, RECORD, "before"),
}


@pytest.mark.parametrize(("draft", "was_done_once", "point", "when"), DEEDS.values(), ids=DEEDS)
def test_a_deed_that_was_not_recorded_is_not_done_again(
    alice, kill, lost_messages, restart, draft, was_done_once, point, when
):
    carol = MembershipFactory(tenant=alice.tenant, role="admin")
    approval = draft(alice)
    approve(carol, approval_id=approval.pk, seen_digest=approval.digest)
    died = kill("approvals.execution.execute_approval", approval.pk, point, when)
    assert died == -signal.SIGKILL
    restart(
        lambda: (
            Approval.objects.filter(status="executed").exists()
            and not CarrierOperation.objects.filter(state="pending").exists()
        )
    )
    was_done_once()
