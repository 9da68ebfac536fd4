"""Looking at a message before anything is written: may it go, to whom, in how many parts, for how
much. All that is wrong is told at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from django.conf import settings
from django.utils import timezone

from cliqtel_portal.accounts.models import Tenant
from cliqtel_portal.errors import InvalidArguments, NotFound, Problem
from cliqtel_portal.messaging import texts
from cliqtel_portal.messaging.models import Message, MessageTemplate, OptOut
from cliqtel_portal.messaging.models.batches import MAX_RECIPIENTS
from cliqtel_portal.messaging.models.formats import Channel
from cliqtel_portal.messaging.segments import Shape
from cliqtel_portal.money import Money
from cliqtel_portal.numbers.models import PhoneNumber
from cliqtel_portal.phone import NotANumber, normalise
from cliqtel_portal.pricing.services import current_prices

# Of the same kind, one for each receiver: more would only fill the answer.
_MAX_LISTED = 20
_NOT_THEIRS = Problem(field="from_number", message="That is not one of your numbers.")


@dataclass(frozen=True, kw_only=True)
class Excluded:
    """A receiver that was asked for and gets nothing."""

    number: str
    reason: Literal["duplicate", "opted_out"]


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """What can be sent. `each` is the price of one message with all its segments."""

    tenant: Tenant
    from_number: str
    channel: Channel
    text: str = field(repr=False)
    template_name: str
    recipients: tuple[str, ...]
    excluded: tuple[Excluded, ...]
    shape: Shape
    each: Money

    @property
    def cost(self) -> Money:
        return self.each * len(self.recipients)

    @property
    def opted_out(self) -> tuple[str, ...]:
        return tuple(one.number for one in self.excluded if one.reason == "opted_out")


def prepare(
    tenant: Tenant,
    *,
    from_number: str,
    to: Sequence[str],
    channel: Channel,
    text: str = "",
    template: str = "",
    variables: Mapping[str, str] | None = None,
    now: datetime | None = None,
) -> Prepared:
    """Return the checked message. `to`: 1 to 500 numbers in international form; those that are
    there twice or said STOP are left out. Either `text` or `template` with its `variables`.

    Raises:
        NotFound: the sender is not a number of the tenant; `problems` has all else too.
        InvalidArguments: `problems` lists all that is wrong.
    """
    problems: list[Problem] = []
    if bool(text) == bool(template):
        problems.append(
            Problem(field="text", message="Give either text, or template with its variables.")
        )
    elif template:
        text, wrong = _from_template(tenant, template, channel, variables or {})
        problems += wrong
    elif variables:
        problems.append(
            Problem(field="variables", message="Only a template has variables: leave them out.")
        )
    if text and not problems:
        problems += texts.problems_of(text, channel)
    return _check(
        tenant,
        from_number=from_number,
        to=to,
        channel=channel,
        text=text,
        template_name=template,
        problems=problems,
        now=now or timezone.now(),
    )


def prepare_again(
    tenant: Tenant,
    *,
    from_number: str,
    to: Sequence[str],
    channel: Channel,
    text: str,
    template_name: str,
    now: datetime,
) -> Prepared:
    """Return the message of a draft as it could be sent now: its text stays, template or not.

    Raises:
        NotFound, InvalidArguments: as for `prepare`.
    """
    problems: list[Problem] = []
    if template_name:
        _, problems = _approved_template(tenant, template_name, channel)
    return _check(
        tenant,
        from_number=from_number,
        to=to,
        channel=channel,
        text=text,
        template_name=template_name,
        problems=problems,
        now=now,
    )


def _check(
    tenant: Tenant,
    *,
    from_number: str,
    to: Sequence[str],
    channel: Channel,
    text: str,
    template_name: str,
    problems: list[Problem],
    now: datetime,
) -> Prepared:
    sender, wrong = _sender(tenant, from_number, channel)
    problems = wrong + problems
    wanted, duplicates, wrong = _receivers(to, sender.e164 if sender else "")
    problems += wrong
    silent: set[str] = set()
    if sender is not None:
        silent = _opted_out(tenant, sender.e164, wanted, channel)
        if wanted and len(silent) == len(wanted):
            problems.append(
                Problem(field="to", message="All of them said STOP to this number. Nobody is left.")
            )
        if channel == Channel.WHATSAPP and not template_name:
            reachable = [number for number in wanted if number not in silent]
            problems += _outside_window(tenant, sender.e164, reachable, to, now)
    shape = texts.shape_of(text, channel)
    each, wrong = _price(tenant, sender, channel, shape, now)
    problems += wrong
    if _NOT_THEIRS in problems:
        raise NotFound(
            "That is not one of your numbers. Call list_inventory to see which you have.",
            problems=problems,
        )
    if problems or sender is None:
        raise InvalidArguments("The message can't be sent like that.", problems=problems)
    return Prepared(
        tenant=tenant,
        from_number=sender.e164,
        channel=channel,
        text=text,
        template_name=template_name,
        recipients=tuple(number for number in wanted if number not in silent),
        excluded=(
            *(Excluded(number=number, reason="duplicate") for number in duplicates),
            *(Excluded(number=number, reason="opted_out") for number in wanted if number in silent),
        ),
        shape=shape,
        each=each,
    )


def _sender(
    tenant: Tenant, text: str, channel: Channel
) -> tuple[PhoneNumber | None, list[Problem]]:
    try:
        e164 = normalise(text)
    except NotANumber as error:
        return None, [Problem(field="from_number", message=str(error))]
    number = (
        PhoneNumber.objects.for_tenant(tenant)
        .filter(e164=e164)
        .exclude(status=PhoneNumber.Status.RELEASED)
        .first()
    )
    if number is None:
        return None, [_NOT_THEIRS]
    problems = []
    if number.status != PhoneNumber.Status.ACTIVE:
        state = number.get_status_display().lower()
        problems.append(
            Problem(field="from_number", message=f"It is not active: its status is {state}.")
        )
    if channel.value not in number.capabilities:
        problems.append(
            Problem(
                field="from_number",
                message=f"It does not carry {channel.label}. Use a number with that capability: "
                "list_inventory shows capabilities.",
            )
        )
    return number, problems


def _receivers(to: Sequence[str], sender: str) -> tuple[list[str], list[str], list[Problem]]:
    """Return the receivers once each, those that came again, and what is wrong."""
    if not 1 <= len(to) <= MAX_RECIPIENTS:
        wrong = f"1 to {MAX_RECIPIENTS} receivers at once; these are {len(to)}."
        return [], [], [Problem(field="to", message=wrong)]
    found: dict[str, None] = {}
    again: dict[str, None] = {}
    problems = []
    for place, text in enumerate(to):
        try:
            number = normalise(text)
        except NotANumber as error:
            problems.append(Problem(field=f"to.{place}", message=str(error)))
            continue
        if number == sender:
            problems.append(
                Problem(field=f"to.{place}", message="That is the number it is sent from.")
            )
        elif number in found:
            again[number] = None
        else:
            found[number] = None
    return list(found), list(again), _shortened(problems)


def _opted_out(tenant: Tenant, sender: str, receivers: Iterable[str], channel: Channel) -> set[str]:
    return set(
        OptOut.objects.for_tenant(tenant)
        .live()
        .filter(our_number=sender, channel=channel, peer_number__in=list(receivers))
        .values_list("peer_number", flat=True)
    )


def _outside_window(
    tenant: Tenant, sender: str, receivers: Sequence[str], to: Sequence[str], now: datetime
) -> list[Problem]:
    since = now - timedelta(seconds=settings.MESSAGING_WHATSAPP_WINDOW_SECONDS)
    wrote = set(
        Message.objects.for_tenant(tenant)
        .filter(
            direction=Message.Direction.INBOUND,
            channel=Channel.WHATSAPP,
            to_number=sender,
            from_number__in=receivers,
            created_at__gt=since,
        )
        .values_list("from_number", flat=True)
    )
    silent = set(receivers) - wrote
    if not silent:
        return []
    places: dict[str, int] = {}
    for place, text in enumerate(to):
        try:
            places.setdefault(normalise(text), place)
        except NotANumber:
            continue
    return _shortened(
        [
            Problem(
                field=f"to.{places[number]}",
                message="Has not written to you on WhatsApp in the last 24 hours: "
                "only an approved template can be sent.",
            )
            for number in receivers
            if number in silent
        ]
    )


def _approved_template(
    tenant: Tenant, name: str, channel: Channel
) -> tuple[MessageTemplate | None, list[Problem]]:
    theirs = list(MessageTemplate.objects.for_tenant(tenant).filter(channel=channel))
    template = next((one for one in theirs if one.name == name), None)
    approved = MessageTemplate.Status.APPROVED
    if template is None:
        names = ", ".join(sorted(one.name for one in theirs if one.status == approved))
        known = f"You have: {names}." if names else "You have none."
        wrong = f"There is no {channel.label} template of that name. {known}"
        return None, [Problem(field="template", message=wrong)]
    if template.status != approved:
        return template, [
            Problem(field="template", message="It is still being reviewed. Use an approved one.")
        ]
    return template, []


def _from_template(
    tenant: Tenant, name: str, channel: Channel, variables: Mapping[str, str]
) -> tuple[str, list[Problem]]:
    template, problems = _approved_template(tenant, name, channel)
    if template is None:
        return "", problems
    text, wrong = texts.fill(template.body, variables)
    return text, problems + wrong


def _price(
    tenant: Tenant, sender: PhoneNumber | None, channel: Channel, shape: Shape, now: datetime
) -> tuple[Money, list[Problem]]:
    """SMS: the list's price of the sender's kind of number, for each segment. WhatsApp: one price
    whoever gets it. Both in the account's currency, or it can't be booked.
    """
    nothing = Money(amount=Decimal(0), currency=tenant.currency)
    if sender is None or channel.value not in sender.capabilities:
        return nothing, []
    if channel == Channel.WHATSAPP:
        listed = settings.MESSAGING_WHATSAPP_PRICES.get(tenant.currency)
        price = Money(amount=Decimal(listed), currency=tenant.currency) if listed else None
    else:
        key = (sender.country, sender.number_type)
        found = current_prices(tenant, [key], at=now).get(key)
        price = found.sms_out if found else None
    if price is None or price.currency != tenant.currency:
        return nothing, [
            Problem(
                field="from_number",
                message=f"There is no {channel.label} price in {tenant.currency} for this number. "
                "Ask support for one.",
            )
        ]
    return price * shape.segments, []


def _shortened(problems: list[Problem]) -> list[Problem]:
    if len(problems) <= _MAX_LISTED:
        return problems
    more = len(problems) - _MAX_LISTED
    return [*problems[:_MAX_LISTED], Problem(field="to", message=f"And {more} more like these.")]
