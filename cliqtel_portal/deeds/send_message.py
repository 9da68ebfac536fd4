"""Sending an SMS or WhatsApp message: at once within the day's limit, beyond it with approval.

An approval freezes ids and a digest; the text itself stays in the row of `messaging` that it names.
"""

from __future__ import annotations

import hashlib
import unicodedata
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import transaction

from approvals.errors import DigestMismatch
from approvals.models import Approval
from approvals.presentation import CostLine, Presentation
from approvals.quotes import Quote
from approvals.services import request_approval
from approvals.states import Status
from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.accounts.permissions import scopes_of_role
from cliqtel_portal.billing.errors import BalanceTooLow
from cliqtel_portal.billing.services import balance_shortage
from cliqtel_portal.deeds.requester import Requester
from cliqtel_portal.errors import NotFound, PortalError
from cliqtel_portal.messaging.errors import OverLimit
from cliqtel_portal.messaging.models import MessageBatch
from cliqtel_portal.messaging.models.formats import Channel
from cliqtel_portal.messaging.segments import Encoding
from cliqtel_portal.messaging.services import (
    Origin,
    Prepared,
    check_draft,
    daily_allowance,
    draft,
    link_draft,
    prepare,
    send_draft,
    send_now,
    withdraw_draft,
)
from cliqtel_portal.messaging.texts import shape_of
from cliqtel_portal.phone import display

ACTION = "send_message"
_SCOPE = "mcp.messaging.send"
_SHOWN = 10
# Emoji and some scripts are put together with the first two: ordinary keyboards write them. The
# others end what is named already.
_ORDINARY_MARKS = frozenset("\u200c\u200d\u202c\u2069")


@dataclass(frozen=True, kw_only=True)
class Sending:
    """`approval` is None where the messages are queued already."""

    prepared: Prepared
    batch: MessageBatch
    approval: Approval | None


def plan_send_message(
    requester: Requester,
    *,
    from_number: str,
    to: Sequence[str],
    channel: Channel,
    text: str = "",
    template: str = "",
    variables: Mapping[str, str] | None = None,
) -> tuple[Prepared, bool]:
    """Return the checked message, and whether it needs an approval; nothing is written.

    Raises:
        NotFound, InvalidArguments: as for `messaging.services.prepare`.
    """
    prepared = prepare(
        requester.tenant,
        from_number=from_number,
        to=to,
        channel=channel,
        text=text,
        template=template,
        variables=variables,
    )
    allowance = daily_allowance(requester.tenant)
    may_now = _may_send(requester) and allowance.covers(len(prepared.recipients), prepared.cost)
    return prepared, not may_now


@transaction.atomic
def send_or_draft(
    requester: Requester,
    *,
    from_number: str,
    to: Sequence[str],
    channel: Channel,
    text: str = "",
    template: str = "",
    variables: Mapping[str, str] | None = None,
    reason_text: str = "",
) -> Sending:
    """The messages are queued where the limit allows it, else they wait for a person.

    Raises:
        NotFound, InvalidArguments: as for `messaging.services.prepare`.
        BalanceTooLow: the account does not pay what the limit would allow.
    """
    prepared, needs_approval = plan_send_message(
        requester,
        from_number=from_number,
        to=to,
        channel=channel,
        text=text,
        template=template,
        variables=variables,
    )
    origin = Origin(
        user=requester.user,
        token_id=requester.token_id,
        token_label=requester.token_label,
        client_label=requester.client_label,
    )
    # One call does one thing, however often its work is repeated.
    key = f"call:{requester.call_id}" if requester.call_id else f"page:{uuid.uuid4()}"
    if not needs_approval:
        try:
            batch = send_now(prepared, origin=origin, key=key)
        except OverLimit:
            # Another call was faster, and has used up what was left.
            pass
        else:
            return Sending(prepared=prepared, batch=batch, approval=None)
    batch = draft(prepared, origin=origin, key=key)
    approval = _ask(requester, prepared, batch, reason_text)
    link_draft(batch, approval_id=approval.pk)
    return Sending(prepared=prepared, batch=batch, approval=approval)


def _ask(
    requester: Requester, prepared: Prepared, batch: MessageBatch, reason_text: str
) -> Approval:
    count = len(prepared.recipients)
    kind = prepared.channel.label
    # The numbers, not the text: titles travel in events, cards and the audit log.
    whom = display(prepared.recipients[0]) if count == 1 else f"{count} people"
    return request_approval(
        requester.tenant,
        requester=requester.user,
        action=ACTION,
        title=f"Send {'a WhatsApp message' if kind == 'WhatsApp' else 'an SMS'} to {whom}",
        summary=f"{kind} from {display(prepared.from_number)} to {whom}, for {prepared.cost}.",
        arguments={
            "batch_id": str(batch.pk),
            "channel": prepared.channel.value,
            "from_number": prepared.from_number,
            "to": list(prepared.recipients),
            "text_sha256": _digest(batch),
        },
        artifact_id=batch.pk,
        quote=_quote(prepared),
        reason_text=reason_text,
        token_id=requester.token_id,
        token_label=requester.token_label,
        client_label=requester.client_label,
        call_id=requester.call_id,
    )


class SendMessage:
    """Costs what its messages cost. Holds nothing while it waits but the text itself."""

    def recheck(self, approval: Approval) -> Quote | None:
        batch = _batch_of(approval)
        prepared = check_draft(approval.tenant, batch_id=batch.pk)
        shortage = balance_shortage(approval.tenant, prepared.cost)
        if shortage:
            raise BalanceTooLow(f"{shortage} Top up the account, then approve it.")
        return _quote(prepared)

    def execute(self, approval: Approval, idempotency_key: str) -> Mapping[str, Any]:
        """The batch itself is the key: it is sent once."""
        price = approval.price
        if price is None:
            raise LookupError(f"approval {approval.pk} has no price")
        batch = send_draft(
            approval.tenant,
            batch_id=_batch_of(approval).pk,
            approval_id=approval.pk,
            at_most=price.first_charge,
        )
        return {
            "status": "queued",
            "batch_id": str(batch.pk),
            "messages": batch.messages.count(),
            "segments_each": batch.segments,
            "cost": {"amount": batch.cost_money.plain, "currency": batch.currency},
        }

    def withdraw(self, approval: Approval) -> None:
        withdraw_draft(approval.tenant, batch_id=uuid.UUID(approval.arguments["batch_id"]))

    def present(self, approval: Approval) -> Presentation:
        batch = _batch_of(approval)
        channel = Channel(batch.channel)
        return Presentation(
            consequences=_consequences(batch, channel),
            lines=(_cost_line(approval, batch, channel),),
            missing=_missing(approval),
            template="deeds/_message.html",
            context={
                "batch": batch,
                "is_ai_host": batch.is_by_ai_host,
                "shape": shape_of(batch.body, batch.channel),
                "is_sms": channel == Channel.SMS,
                "encoding": _ENCODINGS[batch.encoding],
                "hidden": _hidden_characters(batch.body),
                "shown": batch.recipients[:_SHOWN],
                "more": max(0, len(batch.recipients) - _SHOWN),
                "opted_out": batch.opted_out[:_SHOWN],
                "more_opted_out": max(0, len(batch.opted_out) - _SHOWN),
            },
        )


deed = SendMessage()

_ENCODINGS = {
    Encoding.GSM7.value: "GSM 7-bit",
    Encoding.UCS2.value: "UCS-2",
    Encoding.UTF8.value: "UTF-8",
}


def _may_send(requester: Requester) -> bool:
    """Within the limit only those send whose role could have a token for it."""
    member = Membership.objects.live().filter(tenant=requester.tenant, user=requester.user).first()
    return member is not None and _SCOPE in scopes_of_role(member.role)


def _quote(prepared: Prepared) -> Quote:
    return Quote(
        once=prepared.cost.amount,
        monthly=Decimal(0),
        currency=prepared.cost.currency,
    )


def _digest(batch: MessageBatch) -> str:
    """With the batch's id in it: equal texts don't show as equal."""
    return hashlib.sha256(f"{batch.pk}\n{batch.body}".encode()).hexdigest()


def _batch_of(approval: Approval) -> MessageBatch:
    """The draft, as it was when the approval was asked for.

    Raises:
        NotFound: the tenant has no such draft.
        DigestMismatch: it is not what was asked for.
    """
    frozen = approval.arguments
    batch = MessageBatch.objects.for_tenant(approval.tenant).filter(pk=frozen["batch_id"]).first()
    if batch is None:
        raise NotFound("There is no such draft. Have it drafted again.")
    stored = (_digest(batch), batch.channel, batch.from_number, batch.recipients)
    if stored != (frozen["text_sha256"], frozen["channel"], frozen["from_number"], frozen["to"]):
        raise DigestMismatch("What is stored is not what was asked for. Have it drafted again.")
    return batch


def _cost_line(approval: Approval, batch: MessageBatch, channel: Channel) -> CostLine:
    count = len(batch.recipients)
    label = f"{count} {channel.label} message{'s' if count > 1 else ''}"
    if batch.segments > 1:
        label += f", {batch.segments} segments each"
    price = approval.price
    return CostLine(label=label, once=price.first_charge if price else batch.cost_money)


def _consequences(batch: MessageBatch, channel: Channel) -> tuple[str, ...]:
    count = len(batch.recipients)
    who = f"{count} people get" if count > 1 else f"{display(batch.recipients[0])} gets"
    sender = display(batch.from_number)
    found = [f"{who} this {channel.label} message from {sender} at once. It can't be called back."]
    if batch.template_name:
        found.append(f"It is your template “{batch.template_name}”, filled in.")
    if batch.opted_out:
        silent = len(batch.opted_out)
        found.append(
            f"{silent} more {'was' if silent == 1 else 'were'} asked for and said STOP: "
            "they get nothing, and cost nothing."
        )
    return tuple(found)


def _missing(approval: Approval) -> tuple[str, ...]:
    if approval.status != Status.PENDING:
        return ()
    try:
        deed.recheck(approval)
    except PortalError as error:
        return tuple(problem.message for problem in error.problems) or (error.message,)
    return ()


def _hidden_characters(text: str) -> tuple[str, ...]:
    """Names of what changes how the text is read and can't be seen in it."""
    found = {
        one for one in text if unicodedata.category(one) == "Cf" and one not in _ORDINARY_MARKS
    }
    return tuple(sorted(unicodedata.name(one, f"U+{ord(one):04X}").lower() for one in found))
