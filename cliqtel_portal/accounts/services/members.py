"""The people of an account: their roles, and that they leave it."""

from __future__ import annotations

import functools
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from cliqtel_portal.accounts.change_models import MembershipChange
from cliqtel_portal.accounts.models import Membership, Tenant, User
from cliqtel_portal.accounts.permissions import may_manage_members, may_read_portal
from cliqtel_portal.accounts.services.actors import permitted
from cliqtel_portal.accounts.services.records import lock_people, record
from cliqtel_portal.accounts.tasks import mail_change
from cliqtel_portal.errors import InvalidArguments, NotFound, PortalError, Problem

_REFUSAL = "Only owners change who is in the account."
_ROLES = Membership.Role.values[::-1]


class LastOwner(PortalError):
    """An account always has an owner: nobody else could name the next."""

    code = "last_owner"


class OwnRole(PortalError):
    """Nobody locks themselves out by a slip: another owner does it."""

    code = "own_role"


@dataclass(frozen=True, kw_only=True)
class Member:
    """`connections` are AI hosts: live static tokens and connected apps."""

    membership: Membership
    connections: int


def members_of(tenant: Tenant) -> list[Member]:
    """The people who are in the account now, owners first."""
    connections: Mapping[uuid.UUID, int] = import_string(settings.MEMBER_CONNECTIONS)(tenant)
    found = Membership.objects.live().for_tenant(tenant).select_related("user")
    return sorted(
        (Member(membership=one, connections=connections.get(one.user_id, 0)) for one in found),
        key=lambda member: (
            _ROLES.index(member.membership.role),
            member.membership.user.display_name.casefold(),
        ),
    )


def get_member(tenant: Tenant, membership_id: uuid.UUID) -> Membership:
    """Raises NotFound for somebody who is not in this account (any more)."""
    found = (
        Membership.objects.live()
        .for_tenant(tenant)
        .filter(pk=membership_id)
        .select_related("user", "tenant")
        .first()
    )
    if found is None:
        raise NotFound("There is no such person in this account. Reload the list.")
    return found


@transaction.atomic
def change_role(actor: Membership, membership_id: uuid.UUID, *, role: str) -> Membership:
    """The person has this role from their next click or call on. Idempotent.

    Raises:
        NotPermitted: the actor is no owner, or no longer.
        NotFound: the person is not in the account.
        InvalidArguments: no such role.
        OwnRole: the actor's own.
        LastOwner: there would be none left.
    """
    tenant = lock_people(actor.tenant)
    # Under the lock: another owner may have been quicker.
    member = permitted(actor, may_manage_members, _REFUSAL)
    changed = get_member(tenant, membership_id)
    if role not in Membership.Role.values:
        raise InvalidArguments(
            "There is no such role.",
            problems=[Problem(field="role", message="Choose one of the roles.")],
        )
    if changed.role == role:
        return changed
    if changed.pk == member.pk:
        raise OwnRole("You can't change your own role. Ask another owner to.")
    _keep_an_owner(changed)
    change = record(
        tenant,
        MembershipChange.Kind.ROLE,
        by=member.user,
        email=changed.user.email,
        name=changed.user.name,
        role_before=changed.role,
        role_after=role,
    )
    changed.role = role
    changed.save(update_fields=["role"])
    _tell(change)
    return changed


@transaction.atomic
def remove_member(actor: Membership, membership_id: uuid.UUID) -> Membership:
    """The person is out: their pages, sockets, tokens and apps of this account are closed.

    Raises:
        NotPermitted: the actor is no owner, or no longer.
        NotFound: the person is not in the account (any more).
        OwnRole: the actor themselves.
        LastOwner: there would be none left.
    """
    tenant = lock_people(actor.tenant)
    member = permitted(actor, may_manage_members, _REFUSAL)
    removed = get_member(tenant, membership_id)
    if removed.pk == member.pk:
        raise OwnRole("You can't remove yourself. Ask another owner to.")
    _keep_an_owner(removed)
    return _end(removed, MembershipChange.Kind.REMOVED, by=member.user)


@transaction.atomic
def leave(actor: Membership) -> Membership:
    """The actor is out of the account, by their own wish.

    Raises:
        LastOwner: nobody would be left to invite people.
    """
    lock_people(actor.tenant)
    member = permitted(actor, may_read_portal, "You are not in this account any more.")
    _keep_an_owner(member)
    return _end(member, MembershipChange.Kind.LEFT, by=member.user)


@transaction.atomic
def save_as_staff(membership: Membership, *, by: User) -> Membership:
    """The row is as staff filled it in, and the account's record says who did that.

    Staff may do what owners may not: an account whose only owner is gone needs another.
    """
    lock_people(membership.tenant)
    before = Membership.objects.filter(pk=membership.pk).first()
    membership.save()
    was_in = before is not None and before.ended_at is None
    is_in = membership.ended_at is None
    changed = (before.role if before and was_in else "", membership.role if is_in else "")
    if changed[0] == changed[1]:
        return membership
    kind = MembershipChange.Kind.ROLE
    if not was_in:
        kind = MembershipChange.Kind.JOINED
    elif not is_in:
        kind = MembershipChange.Kind.REMOVED
    change = record(
        membership.tenant,
        kind,
        by=by,
        email=membership.user.email,
        name=membership.user.name,
        role_before=changed[0],
        role_after=changed[1],
    )
    _tell(change)
    if not is_in:
        _end_access(membership, by=by)
    return membership


def _keep_an_owner(membership: Membership) -> None:
    """Raises LastOwner. To be asked under `lock_people`."""
    if membership.role != Membership.Role.OWNER:
        return
    others = (
        Membership.objects.live()
        .for_tenant(membership.tenant)
        .filter(role=Membership.Role.OWNER, user__is_active=True)
        .exclude(pk=membership.pk)
    )
    if not others.exists():
        raise LastOwner("This is the only owner of the account. Make somebody else owner first.")


def _end(membership: Membership, kind: MembershipChange.Kind, *, by: User) -> Membership:
    change = record(
        membership.tenant,
        kind,
        by=by,
        email=membership.user.email,
        name=membership.user.name,
        role_before=membership.role,
    )
    _tell(change)
    membership.ended_at = timezone.now()
    membership.save(update_fields=["ended_at"])
    _end_access(membership, by=by)
    return membership


def _tell(change: MembershipChange) -> None:
    """A mail to the person whose place somebody else changed or ended."""
    if change.kind in {MembershipChange.Kind.ROLE, MembershipChange.Kind.REMOVED}:
        send = functools.partial(mail_change.delay, str(change.pk))
        # Robust: a broker that is down must not make a change look undone.
        transaction.on_commit(send, robust=True)


def _end_access(membership: Membership, *, by: User) -> None:
    for name in settings.MEMBERSHIP_ENDED:
        import_string(name)(membership, by=by)
