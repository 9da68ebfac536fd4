from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from cliqtel_portal.accounts.models import Membership, Tenant
from cliqtel_portal.billing.models import LedgerEntry
from cliqtel_portal.billing.services import balance
from cliqtel_portal.carriers.errors import CarrierRejectedError
from cliqtel_portal.carriers.models import CarrierOperation
from cliqtel_portal.carriers.outcomes import handler_of
from cliqtel_portal.carriers.reports import DeliveryReport, InboundMessage, dispatch
from cliqtel_portal.carriers.types import Receipt
from cliqtel_portal.messaging.errors import OptedOut
from cliqtel_portal.messaging.models import Message, OptOut
from cliqtel_portal.messaging.services import Origin, Prepared, daily_allowance, send_now
from cliqtel_portal.numbers.models import PhoneNumber
from tests.cliqtel_portal.messaging.conftest import ANNA, BEN, SENDER
from tests.factories.messaging import MessageFactory, OptOutFactory

pytestmark = pytest.mark.django_db

REFUSED = CarrierRejectedError("The carrier refused it.")
RECEIPT = Receipt(reference="r1", state="accepted")
handler = handler_of("send_message")


@pytest.fixture
def operation(limit: None, message: Callable[..., Prepared], origin: Origin) -> CarrierOperation:
    send_now(message(), origin=origin, key="k1")
    return CarrierOperation.objects.get()


def only_message() -> Message:
    return Message.objects.get(direction="outbound")


def report(status: str, reference: str = "r1", **fields: Any) -> None:
    dispatch(DeliveryReport(carrier="sandbox", reference=reference, status=status, **fields))


def arrives(text: str, identifier: str = "m1", **fields: Any) -> None:
    values: dict[str, Any] = {
        "carrier": "sandbox",
        "carrier_message_id": identifier,
        "channel": "sms",
        "from_number": ANNA,
        "to_number": SENDER,
        "text": text,
    }
    dispatch(InboundMessage(**(values | fields)))


def test_the_carrier_is_asked_for_what_was_written(operation: CarrierOperation) -> None:
    request = handler.request(operation)
    assert (request.channel, request.from_number, request.to_number) == ("sms", SENDER, ANNA)
    assert request.text == "Your order is on its way."


def test_a_stop_between_queue_and_carrier_is_obeyed(
    operation: CarrierOperation, acme: Tenant
) -> None:
    OptOutFactory(tenant=acme, peer_number=ANNA)
    with pytest.raises(OptedOut) as error:
        handler.request(operation)
    handler.failed(operation, error.value)
    assert (only_message().status, only_message().error_code) == ("rejected", "opted_out")
    # What a first attempt may have sent is asked for again, to learn what came of it.
    operation.is_uncertain = True
    assert handler.request(operation).to_number == ANNA


@pytest.mark.parametrize("outcome", ["accepted", "done"])
def test_a_receipt_makes_it_sent(operation: CarrierOperation, outcome: str) -> None:
    getattr(handler, outcome)(operation, RECEIPT)
    sent = only_message()
    assert (sent.status, sent.carrier_reference) == ("sent", "sandbox:r1")
    assert sent.sent_at is not None
    report("delivered")
    handler.done(operation, RECEIPT)
    assert only_message().status == "delivered"


def test_a_refused_message_is_given_back_once(operation: CarrierOperation, acme: Tenant) -> None:
    assert balance(acme).amount == Decimal("9.95")
    for _ in range(2):
        handler.failed(operation, REFUSED)
    refused = only_message()
    assert (refused.status, refused.error_code) == ("rejected", "carrier_rejected")
    assert balance(acme).amount == Decimal("10.00")
    assert LedgerEntry.objects.get(kind="refund").reference == f"message:{refused.pk}"
    assert daily_allowance(acme).messages_left == 5


def test_what_the_carrier_may_have_sent_counts_as_sent(
    operation: CarrierOperation, acme: Tenant
) -> None:
    operation.is_uncertain = True
    handler.failed(operation, REFUSED)
    assert only_message().status == "undelivered"
    assert balance(acme).amount == Decimal("9.95")
    assert daily_allowance(acme).messages_left == 4


@pytest.mark.parametrize(
    ("first", "then"), [("delivered", "undelivered"), ("undelivered", "delivered")]
)
def test_the_first_report_counts(operation: CarrierOperation, first: str, then: str) -> None:
    handler.accepted(operation, RECEIPT)
    report(first, error_code="" if first == "delivered" else "absent_subscriber")
    at = only_message().delivered_at
    report(then, error_code="later")
    told = only_message()
    assert (told.status, told.delivered_at) == (first, at)
    assert told.error_code == ("" if first == "delivered" else "absent_subscriber")


def test_reports_of_unknown_messages_change_nothing(operation: CarrierOperation) -> None:
    handler.accepted(operation, RECEIPT)
    report("undelivered", reference="r2")
    dispatch(DeliveryReport(carrier="other", reference="r1", status="undelivered"))
    assert only_message().status == "sent"


@pytest.mark.usefixtures("sender")
def test_what_comes_in_is_stored_once(acme: Tenant) -> None:
    arrives("Is it \x00there yet? ж")
    arrives("Is it there yet?")
    got = Message.objects.get()
    assert (got.tenant, got.direction, got.status) == (acme, "inbound", "received")
    assert (got.from_number, got.to_number, got.body) == (ANNA, SENDER, "Is it there yet? ж")
    assert (got.encoding, got.cost) == ("ucs2", 0)
    assert not OptOut.objects.exists()


@pytest.mark.parametrize(
    "odd", [{"to_number": BEN}, {"from_number": "CLIQTEL"}, {"from_number": "+1234"}]
)
@pytest.mark.usefixtures("sender")
def test_what_is_for_nobody_or_from_nobody_is_dropped(odd: dict[str, str]) -> None:
    arrives("Hello", **odd)
    assert not Message.objects.exists()


def test_a_number_given_up_gets_nothing(sender: PhoneNumber) -> None:
    PhoneNumber.objects.filter(pk=sender.pk).update(status="released")
    arrives("STOP")
    assert not Message.objects.exists()
    assert not OptOut.objects.exists()


@pytest.mark.parametrize(
    "word",
    [
        "STOP",
        "stop.",
        " Stop! ",
        "STOPALL",
        "unsubscribe",
        "Arrêt",
        "STOPP",
        "“quit”",
        "Opt-out",
        "stop all",
        "revoke",
    ],
)
@pytest.mark.usefixtures("sender")
def test_stop_in_any_spelling_is_an_opt_out(acme: Tenant, word: str) -> None:
    arrives(word)
    opt_out = OptOut.objects.get()
    assert (opt_out.tenant, opt_out.our_number, opt_out.peer_number) == (acme, SENDER, ANNA)
    assert (opt_out.channel, opt_out.source, opt_out.ended_at) == ("sms", "inbound", None)


@pytest.mark.parametrize(
    "text", ["please stop calling", "stopping", "The end", "cannot stop", "", "!"]
)
@pytest.mark.usefixtures("sender")
def test_other_words_are_no_stop(text: str) -> None:
    arrives(text)
    assert not OptOut.objects.exists()


@pytest.mark.usefixtures("sender")
def test_start_ends_it_and_an_old_stop_again_does_not_bring_it_back() -> None:
    arrives("STOP", "m1")
    arrives("stop", "m2")
    assert OptOut.objects.live().count() == 1
    arrives("START", "m3", channel="whatsapp")
    assert OptOut.objects.live().count() == 1
    arrives("Unstop", "m4")
    assert not OptOut.objects.live().exists()
    arrives("STOP", "m1")
    assert not OptOut.objects.live().exists()


@pytest.mark.usefixtures("sender")
def test_a_stop_to_one_tenant_says_nothing_to_another(mallory: Membership) -> None:
    MessageFactory(tenant=mallory.tenant)
    arrives("STOP")
    assert not OptOut.objects.for_tenant(mallory.tenant).exists()
