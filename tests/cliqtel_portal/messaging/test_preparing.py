from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.errors import InvalidArguments, NotFound, PortalError
from cliqtel_portal.messaging.models.formats import Channel
from cliqtel_portal.messaging.services import Excluded, Prepared, prepare
from cliqtel_portal.numbers.models import PhoneNumber
from tests.cliqtel_portal.messaging.conftest import ANNA, BEN, SENDER
from tests.factories.messaging import MessageFactory, MessageTemplateFactory, OptOutFactory
from tests.factories.numbers import PhoneNumberFactory

pytestmark = pytest.mark.django_db

Make = Callable[..., Prepared]


def problems(error: pytest.ExceptionInfo[PortalError]) -> dict[str, str]:
    return {one.field: one.message for one in error.value.problems}


def test_a_plain_message_is_counted_and_priced(message: Make) -> None:
    prepared = message(to=[ANNA, "+44 7700 900202"], text="x" * 161)
    assert prepared.recipients == (ANNA, BEN)
    assert (prepared.shape.encoding, prepared.shape.segments) == ("gsm7", 2)
    assert (prepared.each.amount, prepared.cost.amount) == (Decimal("0.10"), Decimal("0.20"))
    assert prepared.excluded == ()


def test_everything_wrong_is_told_at_once(message: Make, sender: PhoneNumber) -> None:
    PhoneNumber.objects.filter(pk=sender.pk).update(status="disabled", capabilities=["voice"])
    with pytest.raises(InvalidArguments) as error:
        message(to=["12345", ANNA, SENDER, "+49"], text="x\x00")
    told = problems(error)
    assert list(told) == ["from_number", "text", "to.0", "to.2", "to.3"]
    assert "SMS" in told["from_number"]
    assert "sent from" in told["to.2"]


@pytest.mark.parametrize("status", ["provisioning", "disabled", "porting"])
def test_only_an_active_number_sends(message: Make, sender: PhoneNumber, status: str) -> None:
    PhoneNumber.objects.filter(pk=sender.pk).update(status=status)
    with pytest.raises(InvalidArguments, match="can't be sent") as error:
        message()
    assert status in problems(error)["from_number"]


def test_another_tenants_number_is_not_found(message: Make, mallory: Membership) -> None:
    PhoneNumberFactory(tenant=mallory.tenant, e164="+447700900999", capabilities=["sms"])
    for number in ("+447700900999", "+447700900998"):
        with pytest.raises(NotFound) as error:
            message(from_number=number, to=["x"])
        assert set(problems(error)) == {"from_number", "to.0"}


def test_a_released_number_is_no_longer_theirs(message: Make, sender: PhoneNumber) -> None:
    PhoneNumber.objects.filter(pk=sender.pk).update(status="released")
    with pytest.raises(NotFound):
        message()


def test_who_is_there_twice_or_said_stop_is_left_out(message: Make, sender: PhoneNumber) -> None:
    tenant = sender.tenant
    OptOutFactory(tenant=tenant, peer_number=BEN)
    # These say nothing about an SMS of acme's from this number today.
    OptOutFactory(tenant=tenant, peer_number=ANNA, channel="whatsapp")
    OptOutFactory(tenant=tenant, peer_number=ANNA, our_number="+447700900111")
    OptOutFactory(tenant=tenant, peer_number=ANNA, ended_at=timezone.now() + timedelta(1))
    OptOutFactory(peer_number=ANNA)
    prepared = message(to=[ANNA, BEN, "+44 7700 900201"])
    assert prepared.recipients == (ANNA,)
    assert prepared.excluded == (
        Excluded(number=ANNA, reason="duplicate"),
        Excluded(number=BEN, reason="opted_out"),
    )
    assert prepared.cost.amount == Decimal("0.05")


def test_nobody_left_is_a_problem(message: Make, sender: PhoneNumber) -> None:
    OptOutFactory(tenant=sender.tenant, peer_number=ANNA)
    with pytest.raises(InvalidArguments) as error:
        message()
    assert "STOP" in problems(error)["to"]


@pytest.mark.parametrize("to", [[], [f"+4477009{n:05d}" for n in range(501)]])
def test_one_to_five_hundred_at_once(message: Make, to: list[str]) -> None:
    with pytest.raises(InvalidArguments) as error:
        message(to=to)
    assert str(len(to)) in problems(error)["to"]


def test_five_hundred_wrong_numbers_do_not_flood_the_answer(message: Make) -> None:
    with pytest.raises(InvalidArguments) as error:
        message(to=[str(n) for n in range(500)])
    assert len(error.value.problems) == 21
    assert "480 more" in error.value.problems[-1].message


def test_five_hundred_receivers_take_few_queries(
    message: Make, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(4):
        assert len(message(to=[f"+4477009{n:05d}" for n in range(1000, 1500)]).recipients) == 500


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (" \n", "write a text"),
        ("x" * 1531, "11 segments"),
        ("ж" * 671, "Without characters like ж"),
        ("a\x07b", "control"),
        ("half \ud83d", "half a character"),
    ],
)
def test_texts_that_are_not_sent(message: Make, text: str, words: str) -> None:
    with pytest.raises(InvalidArguments) as error:
        message(text=text)
    assert words in problems(error)["text"]


def test_writing_from_right_to_left_is_a_text_like_any(message: Make) -> None:
    assert message(text="שלום \u202eabc").shape.segments == 1


@pytest.mark.parametrize("both", [{"text": ""}, {"text": "x", "template": "order-shipped"}])
def test_a_text_or_a_template(message: Make, both: dict[str, str]) -> None:
    with pytest.raises(InvalidArguments) as error:
        message(**both)
    assert "either" in problems(error)["text"]


def test_a_number_without_a_price_sends_nothing(message: Make, sender: PhoneNumber) -> None:
    PhoneNumber.objects.filter(pk=sender.pk).update(number_type="local")
    with pytest.raises(InvalidArguments) as error:
        message()
    assert "no SMS price in EUR" in problems(error)["from_number"]


def test_a_price_of_another_currency_is_none(message: Make, sender: PhoneNumber) -> None:
    tenant = sender.tenant
    tenant.currency = "SEK"
    for channel in (Channel.SMS, Channel.WHATSAPP):
        with pytest.raises(InvalidArguments) as error:
            prepare(tenant, from_number=SENDER, to=[ANNA], channel=channel, text="Hi")
        assert "in SEK" in problems(error)["from_number"]


def test_whatsapp_answers_within_a_day_of_the_peers_last_message(
    message: Make, sender: PhoneNumber
) -> None:
    now = timezone.now()
    theirs = {"tenant": sender.tenant, "received": True, "to_number": SENDER}
    in_time = now - timedelta(hours=23)
    MessageFactory(**theirs, from_number=ANNA, channel="whatsapp", created_at=in_time)
    MessageFactory(**theirs, from_number=BEN, channel="sms", created_at=in_time)
    prepared = message(channel=Channel.WHATSAPP, text="😀" * 4096, now=now)
    assert (prepared.shape.segments, prepared.cost.amount) == (1, Decimal("0.06"))
    with pytest.raises(InvalidArguments) as error:
        message(channel=Channel.WHATSAPP, to=[ANNA, ANNA, BEN], now=now)
    assert list(problems(error)) == ["to.2"]
    with pytest.raises(InvalidArguments):
        message(channel=Channel.WHATSAPP, now=now + timedelta(hours=2))


def test_a_long_whatsapp_text_is_refused(message: Make) -> None:
    with pytest.raises(InvalidArguments) as error:
        message(channel=Channel.WHATSAPP, text="x" * 4097)
    assert "4096" in problems(error)["text"]


def test_an_approved_template_is_filled_and_needs_no_window(
    message: Make, sender: PhoneNumber
) -> None:
    MessageTemplateFactory(tenant=sender.tenant)
    prepared = message(
        channel=Channel.WHATSAPP,
        template="order-shipped",
        variables={"name": "{{order}}", "order": "4711"},
    )
    assert prepared.text == "Hi {{order}}, your order 4711 has left."
    assert prepared.template_name == "order-shipped"


def test_a_template_tells_which_variables_it_wants(message: Make, sender: PhoneNumber) -> None:
    MessageTemplateFactory(tenant=sender.tenant)
    with pytest.raises(InvalidArguments) as error:
        message(
            channel=Channel.WHATSAPP,
            template="order-shipped",
            variables={"name": " ", "colour": "red"},
        )
    assert list(problems(error)) == ["variables.name", "variables.order", "variables.colour"]


def test_templates_of_others_of_the_other_channel_and_unreviewed_ones_are_not_sent(
    message: Make, sender: PhoneNumber
) -> None:
    MessageTemplateFactory(tenant=sender.tenant, channel="sms")
    MessageTemplateFactory(tenant=sender.tenant, name="new", status="pending")
    MessageTemplateFactory(name="theirs")
    for name, words in {
        "order-shipped": "no WhatsApp template",
        "theirs": "You have none",
        "new": "being reviewed",
    }.items():
        with pytest.raises(InvalidArguments) as error:
            message(channel=Channel.WHATSAPP, template=name)
        assert words in problems(error)["template"]


def test_the_words_of_a_prepared_message_do_not_hold_its_text(message: Make) -> None:
    assert "4711" not in repr(message(text="my code is 4711"))
