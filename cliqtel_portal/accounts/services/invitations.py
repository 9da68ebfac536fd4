"""Inviting people by mail, and that they come in.

The secret of a link is in the mail only: we keep its digest. Looking at a link uses nothing up,
since scanners of mail open every link; accepting does, once.
"""

from __future__ import annotations

import hashlib
import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from cliqtel_portal.accounts.change_models import MembershipChange
from cliqtel_portal.accounts.models import Invitation, Membership, Tenant, User
from cliqtel_portal.accounts.permissions import may_manage_members
from cliqtel_portal.accounts.services.actors import permitted
from cliqtel_portal.accounts.services.records import lock_people, record
from cliqtel_portal.errors import InvalidArguments, NotFound, PortalError, Problem

_REFUSAL = "Only owners invite people."
_NAME_LENGTH = 120


class InvitationGone(PortalError):
    """The link is used, expired, withdrawn or was never ours. `reason` is one of those words."""

    code = "invitation_gone"

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class SomebodyElse(PortalError):
    """Who is signed in is not whom the invitation was sent to."""

    code = "somebody_else"


class AccountExists(PortalError):
    """The address has an account: its person signs in instead of making another."""

    code = "account_exists"


@dataclass(frozen=True, kw_only=True)
class Issued:
    """`secret` is for the mail, and for nothing else."""

    invitation: Invitation
    secret: str

    def __repr__(self) -> str:
        return f"Issued({self.invitation.pk})"


@transaction.atomic
def invite(actor: Membership, *, email: str, role: str) -> Issued:
    """There is one open invitation of that address, good from now; a former link of it is dead.

    Says nothing of whether the address has an account at Cliqtel.

    Raises:
        NotPermitted: the actor is no owner.
        InvalidArguments: no address, no role, or somebody who is in the account already.
    """
    tenant = lock_people(actor.tenant)
    member = permitted(actor, may_manage_members, _REFUSAL)
    email = email.strip().lower()
    problems = _problems(tenant, email, role)
    if problems:
        raise InvalidArguments("Nobody was invited.", problems=problems)
    secret = secrets.token_urlsafe(32)
    invitation = Invitation.objects.for_tenant(tenant).open().filter(email=email).first()
    kind = MembershipChange.Kind.INVITED
    if invitation is None:
        invitation = Invitation(tenant=tenant, email=email)
    else:
        kind = MembershipChange.Kind.RESENT
    invitation.role = role
    invitation.invited_by = member.user
    invitation.secret_digest = _digest(secret)
    invitation.sent_at, invitation.expires_at = _times()
    invitation.save()
    record(tenant, kind, by=member.user, email=email, role_after=role)
    return Issued(invitation=invitation, secret=secret)


@transaction.atomic
def resend(actor: Membership, invitation_id: uuid.UUID) -> Issued:
    """A new link, good from now; the former is dead.

    Raises:
        NotPermitted: the actor is no owner.
        NotFound: not an open invitation of this account.
        InvalidArguments: the person came in meanwhile.
    """
    tenant = lock_people(actor.tenant)
    permitted(actor, may_manage_members, _REFUSAL)
    invitation = _open(tenant, invitation_id)
    return invite(actor, email=invitation.email, role=invitation.role)


@transaction.atomic
def withdraw(actor: Membership, invitation_id: uuid.UUID) -> Invitation:
    """The link is dead.

    Raises:
        NotPermitted: the actor is no owner.
        NotFound: not an open invitation of this account.
    """
    tenant = lock_people(actor.tenant)
    member = permitted(actor, may_manage_members, _REFUSAL)
    invitation = _open(tenant, invitation_id)
    invitation.withdrawn_at = timezone.now()
    invitation.save(update_fields=["withdrawn_at"])
    record(
        tenant,
        MembershipChange.Kind.WITHDRAWN,
        by=member.user,
        email=invitation.email,
        role_before=invitation.role,
    )
    return invitation


def find_invitation(secret: str) -> Invitation:
    """Return what the link is for. Changes nothing.

    Raises:
        InvitationGone
    """
    invitation = (
        Invitation.objects.filter(secret_digest=_digest(secret))
        .select_related("tenant", "invited_by")
        .first()
    )
    _check_is_good(invitation)
    assert invitation is not None, "checked"
    return invitation


def has_account(invitation: Invitation) -> bool:
    """Whether whoever was invited signs in. Only for the holder of the link."""
    return User.objects.filter(email__iexact=invitation.email).exists()


@transaction.atomic
def accept(secret: str, *, user: User) -> Membership:
    """The person is in the account with the role that the invitation gives. The link is used up.

    Who is in it already keeps their role.

    Raises:
        InvitationGone: used (maybe just now), expired, withdrawn.
        SomebodyElse: it was sent to another address than the person's.
    """
    invitation = _locked(secret)
    if not user.is_active or user.email.lower() != invitation.email:
        raise SomebodyElse("This invitation was sent to another address.")
    return _enter(invitation, user)


@sensitive_variables("password")
def accept_as_new_person(secret: str, *, name: str, password: str) -> Membership:
    """There is a new person with that password, and they are in the account.

    Raises:
        InvitationGone: used (maybe just now), expired, withdrawn.
        AccountExists: the address has an account, maybe since a moment ago.
        InvalidArguments: no name, or a password that is not good enough.
    """
    try:
        with transaction.atomic():
            invitation = _locked(secret)
            name = " ".join(name.split())
            user = User(email=invitation.email, name=name)
            problems = _person_problems(user, password)
            if problems:
                raise InvalidArguments("Your account was not made.", problems=problems)
            if has_account(invitation):
                raise AccountExists("This address has an account already: sign in.")
            user.set_password(password)
            user.save()
            return _enter(invitation, user)
    except IntegrityError as error:
        # Another account's invitation of the same address was accepted at this very moment.
        raise AccountExists("This address has an account already: sign in.") from error


def _enter(invitation: Invitation, user: User) -> Membership:
    membership = Membership.objects.filter(tenant=invitation.tenant, user=user).first()
    if membership is None or membership.ended_at is not None:
        membership = membership or Membership(tenant=invitation.tenant, user=user)
        membership.role = invitation.role
        membership.ended_at = None
        membership.created_at = timezone.now()
        membership.save()
        record(
            invitation.tenant,
            MembershipChange.Kind.JOINED,
            by=user,
            email=user.email,
            name=user.name,
            role_after=invitation.role,
        )
    invitation.accepted_at = timezone.now()
    invitation.accepted_by = user
    invitation.save(update_fields=["accepted_at", "accepted_by"])
    return membership


def _locked(secret: str) -> Invitation:
    """The account first, as all who change its people do, then the link: of two clicks one wins."""
    found = find_invitation(secret)
    lock_people(found.tenant)
    locked = (
        Invitation.objects.select_for_update(of=("self",))
        .filter(pk=found.pk, secret_digest=_digest(secret))
        .select_related("tenant", "invited_by")
        .first()
    )
    _check_is_good(locked)
    assert locked is not None, "checked"
    return locked


def _check_is_good(invitation: Invitation | None) -> None:
    if invitation is None or invitation.tenant.status != Tenant.Status.ACTIVE:
        raise InvitationGone(
            "This link does not work: part of it may be missing, or a newer one was sent since.",
            reason="unknown",
        )
    if invitation.accepted_at is not None:
        raise InvitationGone("This invitation was accepted already.", reason="used")
    if invitation.withdrawn_at is not None:
        raise InvitationGone("This invitation was withdrawn.", reason="withdrawn")
    if invitation.is_expired:
        raise InvitationGone("This invitation is too old.", reason="expired")


def _open(tenant: Tenant, invitation_id: uuid.UUID) -> Invitation:
    found = Invitation.objects.for_tenant(tenant).open().filter(pk=invitation_id).first()
    if found is None:
        raise NotFound("There is no such invitation any more. Reload the list.")
    return found


def _problems(tenant: Tenant, email: str, role: str) -> list[Problem]:
    problems = []
    if (found := _complaint(validate_email, email)) or len(email) > 254:
        problems.append(Problem(field="email", message=found or "At most 254 characters."))
    elif Membership.objects.live().for_tenant(tenant).filter(user__email__iexact=email).exists():
        problems.append(Problem(field="email", message="This person is in the account already."))
    if role not in Membership.Role.values:
        problems.append(Problem(field="role", message="Choose one of the roles."))
    return problems


def _person_problems(user: User, password: str) -> list[Problem]:
    problems = []
    if not user.name or "\x00" in user.name:
        problems.append(Problem(field="name", message="Enter your name."))
    elif len(user.name) > _NAME_LENGTH:
        problems.append(Problem(field="name", message=f"At most {_NAME_LENGTH} characters."))
    if found := _complaint(lambda value: validate_password(value, user), password):
        problems.append(Problem(field="password", message=found))
    return problems


def _complaint(check: Callable[[str], object], value: str) -> str:
    try:
        check(value)
    except ValidationError as error:
        return " ".join(error.messages)
    return ""


def _times() -> tuple[datetime, datetime]:
    now = timezone.now()
    return now, now + timedelta(seconds=settings.INVITATION_SECONDS)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()
