"""Tags: what a tenant's people write on its numbers. Free, and undone by the same click."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Sequence

from django.conf import settings
from django.db import transaction

from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.accounts.permissions import may_tag_numbers
from cliqtel_portal.errors import InvalidArguments, NotFound, NotPermitted, Problem
from cliqtel_portal.ids import uuid7
from cliqtel_portal.numbers.change_models import NumberChange
from cliqtel_portal.numbers.models import PhoneNumber
from cliqtel_portal.numbers.tags import MAX_TAGS, with_changes
from cliqtel_portal.phone import display

_BATCH = 1000
_NAMED = 3  # numbers in a complaint


@transaction.atomic
def change_tags(
    actor: Membership,
    *,
    number_ids: Collection[uuid.UUID],
    add: Collection[str] = (),
    remove: Collection[str] = (),
) -> int:
    """Every one of the numbers has the tags of `add` and none of `remove`; else nothing changed.

    Return how many were changed: one that was so already is not, and leaves no record.

    Raises:
        NotPermitted: the actor's role doesn't tag, or no longer.
        NotFound: some of the numbers aren't the tenant's.
        InvalidArguments: too many numbers or tags, or released numbers among them.
    """
    member = Membership.objects.live().filter(pk=actor.pk, user__is_active=True).first()
    if member is None or not may_tag_numbers(member.role):
        raise NotPermitted("Your role only reads. Ask an owner for another role.")
    wanted = set(number_ids)
    if len(wanted) > settings.NUMBER_BULK_LIMIT:
        raise InvalidArguments(
            f"At most {settings.NUMBER_BULK_LIMIT:,} numbers can be changed at once."
            " Narrow the list with a filter."
        )
    # In the order of ids, so that two who tag the same numbers wait for each other.
    numbers = list(
        PhoneNumber.objects.for_tenant(member.tenant)
        .filter(pk__in=wanted)
        .order_by("pk")
        .select_for_update()
        .only("pk", "e164", "status", "tags")
    )
    if len(numbers) < len(wanted):
        raise NotFound("Some of these numbers are not in this account. Reload the list.")
    after = {number: with_changes(number.tags, add=add, remove=remove) for number in numbers}
    _check(after)
    changed = {number: tags for number, tags in after.items() if tags != number.tags}
    _write(member, changed)
    return len(changed)


def _check(after: dict[PhoneNumber, list[str]]) -> None:
    released = [number for number in after if number.status == PhoneNumber.Status.RELEASED]
    full = [number for number, tags in after.items() if len(tags) > MAX_TAGS]
    problems = []
    if released:
        message = f"{_named(released)}: released, and kept only for the record."
        problems.append(Problem(field="numbers", message=message))
    if full:
        message = f"{_named(full)}: more than {MAX_TAGS} tags. Remove some first."
        problems.append(Problem(field="tags", message=message))
    if problems:
        raise InvalidArguments("The tags can't be changed.", problems=problems)


def _write(member: Membership, changed: dict[PhoneNumber, list[str]]) -> None:
    alike: dict[tuple[str, ...], list[uuid.UUID]] = defaultdict(list)
    for number, tags in changed.items():
        alike[tuple(tags)].append(number.pk)
    for alike_tags, ids in alike.items():
        PhoneNumber.objects.for_tenant(member.tenant).filter(pk__in=ids).update(
            tags=list(alike_tags)
        )
    deed = uuid7()
    NumberChange.objects.bulk_create(
        (
            NumberChange(
                tenant=member.tenant,
                number=number,
                kind=NumberChange.Kind.TAGGED,
                before={"tags": number.tags},
                after={"tags": tags},
                by_label=member.user.display_name[:200],
                key=f"tags:{deed}:{position}",
            )
            for position, (number, tags) in enumerate(changed.items())
        ),
        batch_size=_BATCH,
    )


def _named(numbers: Sequence[PhoneNumber]) -> str:
    words = ", ".join(display(number.e164) for number in numbers[:_NAMED])
    return f"{words} and {len(numbers) - _NAMED:,} more" if len(numbers) > _NAMED else words
