"""Where help goes when somebody calls 112 or 911 from a number.

People say where; Cliqtel's staff say that the emergency services know it. Each change of the former
asks for the latter again, also of an address that serves other numbers already.
"""

from __future__ import annotations

import unicodedata
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from django.db import transaction
from django.db.models import CharField
from django.utils import timezone

from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.accounts.permissions import may_set_emergency_addresses
from cliqtel_portal.countries import country_name
from cliqtel_portal.errors import InvalidArguments, NotFound, NotPermitted, Problem
from cliqtel_portal.ids import uuid7
from cliqtel_portal.numbers import postcodes
from cliqtel_portal.numbers.change_models import NumberChange
from cliqtel_portal.numbers.errors import NumberUnavailable
from cliqtel_portal.numbers.models import EmergencyAddress, PhoneNumber

_GIVEN_UP = frozenset({PhoneNumber.Status.QUARANTINE, PhoneNumber.Status.RELEASED})
_State = PhoneNumber.EmergencyState
_LONGEST = {
    field.name: field.max_length or 0
    for field in EmergencyAddress._meta.fields
    if isinstance(field, CharField)
}


@dataclass(frozen=True, kw_only=True)
class NewAddress:
    """As typed, in the number's country. `location`: what is needed to find the caller inside."""

    label: str
    street: str
    house_number: str
    location: str
    postal_code: str
    city: str


def may_have_address(number: PhoneNumber) -> bool:
    """Whether calls, so emergency calls too, can be made from it."""
    return number.status not in _GIVEN_UP and "voice" in number.capabilities


@transaction.atomic
def use_address(actor: Membership, *, number_id: uuid.UUID, address_id: uuid.UUID) -> PhoneNumber:
    """The number has that address of the tenant, which waits for its confirmation.

    A number that has it already is left as it is.

    Raises:
        NotPermitted: the actor's role doesn't, or no longer.
        NotFound: no such number in the tenant, or no such address in the number's country.
        NumberUnavailable: it is given up, or carries no calls.
    """
    member, number = _locked(actor, number_id)
    address = (
        EmergencyAddress.objects.for_tenant(member.tenant)
        .filter(pk=address_id, country=number.country)
        .first()
    )
    if address is None:
        raise NotFound("This address is gone, or in another country. Choose another.")
    return _assign(member, number, address)


@transaction.atomic
def add_address(actor: Membership, *, number_id: uuid.UUID, address: NewAddress) -> PhoneNumber:
    """The same with an address that is written down with it; the same one is so only once.

    Raises:
        NotPermitted: the actor's role doesn't, or no longer.
        NotFound: no such number in the tenant.
        NumberUnavailable: it is given up, or carries no calls.
        InvalidArguments: what is wrong with the address, all of it.
    """
    member, number = _locked(actor, number_id)
    tidy = _checked(address, number.country)
    fields = asdict(tidy) | {"country": number.country}
    row, is_new = EmergencyAddress.objects.get_or_create(
        tenant=member.tenant, label=fields.pop("label"), defaults=fields
    )
    if not is_new and any(getattr(row, name) != value for name, value in fields.items()):
        message = "Another address has this name. Choose that one, or name this one differently."
        raise InvalidArguments(
            "Nothing was saved.", problems=[Problem(field="label", message=message)]
        )
    return _assign(member, number, row)


@transaction.atomic
def confirm_addresses(seen: Mapping[uuid.UUID, uuid.UUID], *, by_label: str) -> int:
    """The emergency services know where those of the numbers are that waited for it; so many.

    `seen` has the address of each number: one that got another meanwhile goes on waiting.
    """
    waiting = (
        PhoneNumber.objects.filter(pk__in=seen, emergency_state=_State.PENDING)
        .order_by("pk")
        # Addresses in a query of their own: a join that had to wait for the row's lock would bring
        # the address that it had before.
        .prefetch_related("emergency_address")
        .select_for_update()
    )
    numbers = [number for number in waiting if number.emergency_address_id == seen[number.pk]]
    for number in numbers:
        assert number.emergency_address is not None  # a constraint
        before = _as_json(number)
        number.emergency_state = _State.VALIDATED
        number.save(update_fields=["emergency_state"])
        _record(number, before, by_label)
    EmergencyAddress.objects.filter(
        pk__in={number.emergency_address_id for number in numbers}, validated_at__isnull=True
    ).update(validated_at=timezone.now())
    return len(numbers)


def _locked(actor: Membership, number_id: uuid.UUID) -> tuple[Membership, PhoneNumber]:
    member = (
        Membership.objects.live()
        .filter(pk=actor.pk, user__is_active=True)
        .select_related("tenant", "user")
        .first()
    )
    if member is None or not may_set_emergency_addresses(member.role):
        raise NotPermitted("Admins set emergency addresses. Ask one, or an owner.")
    number = (
        PhoneNumber.objects.for_tenant(member.tenant)
        .filter(pk=number_id)
        .select_for_update()
        .first()
    )
    if number is None:
        raise NotFound("There is no such number in this account.")
    if not may_have_address(number):
        raise NumberUnavailable("No calls are made from this number: it needs no address.")
    return member, number


def _assign(member: Membership, number: PhoneNumber, address: EmergencyAddress) -> PhoneNumber:
    if number.emergency_address_id == address.pk:
        return number
    before = _as_json(number)
    number.emergency_address = address
    number.emergency_state = _State.PENDING
    number.save(update_fields=["emergency_address", "emergency_state"])
    _record(number, before, member.user.display_name)
    return number


def _record(number: PhoneNumber, before: dict[str, Any], by_label: str) -> None:
    NumberChange.objects.create(
        tenant_id=number.tenant_id,
        number=number,
        kind=NumberChange.Kind.EMERGENCY,
        before=before,
        after=_as_json(number),
        by_label=by_label[:200],
        key=f"emergency:{uuid7()}",
    )


def _as_json(number: PhoneNumber) -> dict[str, Any]:
    address = number.emergency_address
    return {
        "state": str(number.emergency_state),
        "address": None if address is None else {"id": str(address.pk), "label": address.label},
    }


def _checked(address: NewAddress, country: str) -> NewAddress:
    """
    Raises:
        InvalidArguments: with everything that is wrong.
    """
    # Copied text brings spaces of all kinds, and letters in pieces that look like whole ones.
    tidy = NewAddress(
        **{
            name: " ".join(unicodedata.normalize("NFC", text).split())
            for name, text in asdict(address).items()
        }
    )
    problems = list(_problems(tidy))
    try:
        tidy = replace(tidy, postal_code=postcodes.as_written(country, tidy.postal_code))
    except postcodes.NotAPostcode as error:
        if tidy.postal_code:
            message = f"That is no postcode of {country_name(country)}. {error}"
            problems.append(Problem(field="postal_code", message=message))
    if problems:
        raise InvalidArguments("The address can't be used as it is.", problems=problems)
    return tidy


def _problems(address: NewAddress) -> Iterator[Problem]:
    for name, text in asdict(address).items():
        longest = _LONGEST[name]
        if not text and name != "location":
            yield Problem(field=name, message="Fill this in.")
        elif not text.isprintable():
            yield Problem(field=name, message="Leave out characters that can't be seen.")
        elif len(text) > longest:
            yield Problem(field=name, message=f"At most {longest} characters.")
