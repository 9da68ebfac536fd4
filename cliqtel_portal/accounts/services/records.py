"""Writing down what happens to people's places in an account."""

from __future__ import annotations

from cliqtel_portal.accounts.change_models import MembershipChange
from cliqtel_portal.accounts.models import Tenant, User


def record(
    tenant: Tenant,
    kind: MembershipChange.Kind,
    *,
    by: User,
    email: str,
    name: str = "",
    role_before: str = "",
    role_after: str = "",
) -> MembershipChange:
    """It is on record, with the names of this moment. To be asked in the change's transaction."""
    return MembershipChange.objects.create(
        tenant=tenant,
        kind=kind,
        by=by,
        by_name=by.display_name,
        email=email,
        name=name,
        role_before=role_before,
        role_after=role_after,
    )


def lock_people(tenant: Tenant) -> Tenant:
    """Until the transaction ends nobody else changes who is in the account, and as what.

    Two owners who lower each other at the same moment would leave it without one. Not against rows
    that merely point at the tenant, which every call inserts.
    """
    return Tenant.objects.select_for_update(no_key=True).get(pk=tenant.pk)
