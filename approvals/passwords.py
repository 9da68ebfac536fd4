"""The password that some decisions ask for, with a limit on guessing."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from approvals.errors import TooManyPasswords, WrongPassword
from cliqtel_portal.accounts.models import User
from cliqtel_portal.accounts.throttle import Usage, usage


@sensitive_variables("password")
def confirm_password(request: HttpRequest, user: User, password: str) -> None:
    """The password is the person's. Wrong ones are counted, right ones are not.

    Raises:
        WrongPassword: it is not.
        TooManyPasswords: there were too many wrong ones: not even looked at.
    """
    failures = _failures(request, user, count=False)
    if failures.is_spent:
        minutes = -(-failures.retry_after // 60)
        raise TooManyPasswords(
            f"Too many wrong passwords. Nothing was decided; try again in {minutes} min.",
            retry_after=failures.retry_after,
        )
    if not user.check_password(password):
        _failures(request, user, count=True)
        raise WrongPassword("That is not your password. Nothing was decided.")


def _failures(request: HttpRequest, user: User, *, count: bool) -> Usage:
    return usage(
        request,
        group="decision-password",
        key=str(user.pk),
        rate=settings.RATE_LIMIT_DECISION_FAILURES,
        count=count,
    )
