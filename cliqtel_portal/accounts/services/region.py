"""The clock and the way of writing of an account."""

from __future__ import annotations

import zoneinfo

from django.db import transaction

from cliqtel_portal.accounts.change_models import AccountChange
from cliqtel_portal.accounts.models import Membership, Tenant
from cliqtel_portal.accounts.permissions import may_edit_account
from cliqtel_portal.accounts.services.actors import permitted
from cliqtel_portal.errors import InvalidArguments, Problem
from cliqtel_portal.formats import FORMATS

# Names of one machine, or of the past: an account is somewhere.
_NO_PLACES = frozenset({"localtime", "Factory", "posixrules"})


def time_zones() -> list[str]:
    """The names that an account can choose, in order."""
    return sorted(zoneinfo.available_timezones() - _NO_PLACES)


@transaction.atomic
def set_region(actor: Membership, *, time_zone: str, number_format: str) -> Tenant:
    """Pages of the account show moments in this zone and amounts in this form from now on.

    Each setting that is another than before is on record; setting what is set records nothing.

    Raises:
        NotPermitted: the actor's role does not change the account.
        InvalidArguments: a zone or a form that there is not.
    """
    member = permitted(actor, may_edit_account, "Only admins and owners change the account.")
    problems = []
    if time_zone not in time_zones():
        problems.append(
            Problem(
                field="time_zone",
                message="There is no such time zone. Choose one of the list, as Europe/Amsterdam.",
            )
        )
    if number_format not in FORMATS:
        problems.append(Problem(field="number_format", message="Choose one of the list."))
    if problems:
        raise InvalidArguments("The account can't be set like that.", problems=problems)
    # Not against rows that merely point at the tenant, which every call inserts.
    tenant = Tenant.objects.select_for_update(no_key=True).get(pk=member.tenant_id)
    chosen = {"time_zone": time_zone, "number_format": number_format}
    changed = {name: new for name, new in chosen.items() if getattr(tenant, name) != new}
    for name, new in changed.items():
        AccountChange.objects.create(
            tenant=tenant, by=member.user, setting=name, before=getattr(tenant, name), after=new
        )
        setattr(tenant, name, new)
    if changed:
        tenant.save(update_fields=list(changed))
    return tenant
