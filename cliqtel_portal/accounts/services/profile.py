"""What a person says of themselves: their name, and the address that they sign in with."""

from __future__ import annotations

from dataclasses import dataclass

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core import signing
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils.crypto import constant_time_compare, salted_hmac

from cliqtel_portal.accounts.models import User
from cliqtel_portal.errors import InvalidArguments, PortalError, Problem

_SALT = "cliqtel_portal.accounts.email-change"
_NAME_LENGTH = 120


class EmailChangeGone(PortalError):
    """The link is used, too old, somebody else's, or was never ours."""

    code = "email_change_gone"


@dataclass(frozen=True, kw_only=True)
class EmailChange:
    """Somebody asked to sign in with `email`. `token` is for the mail to it; empty: it is taken."""

    user: User
    email: str
    token: str

    def __repr__(self) -> str:
        return f"EmailChange({self.user.pk})"


@transaction.atomic
def rename(user: User, *, name: str) -> User:
    """Pages and mails call the person so from now on. What is on record keeps the former name.

    Raises:
        InvalidArguments: no name, or one that is too long.
    """
    name = " ".join(name.split())
    if not name or "\x00" in name or len(name) > _NAME_LENGTH:
        raise InvalidArguments(
            "The name can't be that.",
            problems=[Problem(field="name", message=f"From 1 to {_NAME_LENGTH} characters.")],
        )
    renamed = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    renamed.name = name
    renamed.save(update_fields=["name"])
    return renamed


def ask_for_email_change(user: User, *, email: str) -> EmailChange:
    """What to mail to the new address. Nothing is stored, and nothing changes before its link.

    An address that has an account is answered alike: only its own mailbox learns of it.

    Raises:
        InvalidArguments: no address, or the one that it is.
    """
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError as error:
        raise _wrong(" ".join(error.messages)) from error
    if email == user.email.lower():
        raise _wrong("This is your address already.")
    if len(email) > 254:
        raise _wrong("At most 254 characters.")
    if User.objects.filter(email__iexact=email).exists():
        return EmailChange(user=user, email=email, token="")
    token = signing.dumps({"user": str(user.pk), "email": email, "state": _state(user)}, salt=_SALT)
    return EmailChange(user=user, email=email, token=token)


def email_of_token(user: User, token: str) -> str:
    """The address that the link would give this person. Changes nothing.

    Raises:
        EmailChangeGone
    """
    gone = EmailChangeGone("Ask for a new link on Settings, Profile.")
    try:
        asked = signing.loads(token, salt=_SALT, max_age=settings.EMAIL_CHANGE_SECONDS)
    except signing.BadSignature as error:
        raise gone from error
    if asked["user"] != str(user.pk) or not constant_time_compare(asked["state"], _state(user)):
        raise gone
    return str(asked["email"])


def confirm_email_change(user: User, *, token: str) -> str:
    """The person signs in with the new address from now on; returns the former.

    Raises:
        EmailChangeGone: also where somebody else took the address meanwhile.
    """
    try:
        with transaction.atomic():
            changed = User.objects.select_for_update(no_key=True).get(pk=user.pk)
            email = email_of_token(changed, token)
            former, changed.email = changed.email, email
            changed.save(update_fields=["email"])
            # A former address must not open the account: django-allauth remembers what it has seen.
            EmailAddress.objects.filter(user=changed).exclude(email=email).delete()
    except IntegrityError as error:
        raise EmailChangeGone("This address can't be used. Choose another.") from error
    return former


def _state(user: User) -> str:
    """Changes with address and password: a link works once, and not after either changed."""
    return salted_hmac(_SALT, f"{user.email}|{user.password}", algorithm="sha256").hexdigest()


def _wrong(message: str) -> InvalidArguments:
    return InvalidArguments(
        "The address stays as it is.", problems=[Problem(field="email", message=message)]
    )
