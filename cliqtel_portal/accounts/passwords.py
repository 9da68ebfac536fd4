"""The password that what matters most asks for once more, with a limit on guessing.

A session left open is not the person: who decides alone or looks at a secret types it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from cliqtel_portal.accounts.models import User
from cliqtel_portal.accounts.throttle import Usage, usage
from cliqtel_portal.errors import PortalError
from cliqtel_portal.locks import advisory_lock


class WrongPassword(PortalError):
    """What was typed is not the password of the person who is signed in."""

    code = "wrong_password"


class TooManyPasswords(PortalError):
    """Wrong ones too often: none is looked at for a while."""

    code = "rate_limited"
    retryable = True

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after  # seconds

    @property
    def details(self) -> Mapping[str, Any]:
        return {"retry_after": self.retry_after}


@sensitive_variables("password")
def confirm_password(request: HttpRequest, user: User, password: str, *, outcome: str) -> None:
    """The password is the person's. Wrong ones are counted, right ones are not; one counter for
    all that asks, so that no page gives further guesses.

    outcome: a sentence that says what a refusal left as it was, such as "Nothing was decided."

    Raises:
        WrongPassword: it is not.
        TooManyPasswords: too many wrong ones, or another at this moment: not even looked at.
    """
    # One at a time: many at once would all be looked at before the first is counted.
    with advisory_lock(f"accounts.confirm_password.{user.pk}") as acquired:
        if not acquired:
            raise TooManyPasswords(
                f"Your password is just being looked at. {outcome} Try again.", retry_after=1
            )
        failures = _failures(request, user, count=False)
        if failures.is_spent:
            minutes = -(-failures.retry_after // 60)
            raise TooManyPasswords(
                f"Too many wrong passwords. {outcome} Try again in {minutes} min.",
                retry_after=failures.retry_after,
            )
        if not user.check_password(password):
            _failures(request, user, count=True)
            raise WrongPassword(f"That is not your password. {outcome}")


def _failures(request: HttpRequest, user: User, *, count: bool) -> Usage:
    return usage(
        request,
        group="confirm-password",
        key=str(user.pk),
        rate=settings.RATE_LIMIT_CONFIRM_FAILURES,
        count=count,
    )
