"""A changed password ends what it may have been stolen for.

The person's browser sessions end by themselves: Django ties each to the password's hash.
"""

from __future__ import annotations

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.urls import reverse

from cliqtel_portal.accounts.models import Tenant, User
from cliqtel_portal.notices.models import Notice
from cliqtel_portal.notices.services import notify
from mcp_access.models import AccessToken
from mcp_access.oauth.sessions import end_oauth_sessions_of


class EndOAuthSessions:
    """In AUTH_PASSWORD_VALIDATORS, of which Django calls `password_changed` after each change.

    That is every door at once: the portal's forms, the mailed link, the administration, `manage.py
    changepassword`. A hash that is merely renewed at a log-in is no change.
    """

    def validate(self, password: str, user: AbstractBaseUser | None = None) -> None:
        """Any password will do."""

    def get_help_text(self) -> str:
        return (
            "A new password signs out your other browsers and disconnects your AI apps. Static "
            "tokens keep working until you revoke them."
        )

    def password_changed(self, password: str, user: AbstractBaseUser | None = None) -> None:
        if isinstance(user, User):
            after_password_change(user)


@transaction.atomic
def after_password_change(user: User) -> None:
    """OAuth sessions of the person are over; static tokens stay, and a notice offers to revoke."""
    end_oauth_sessions_of(user, reason="password changed")
    by_tenant: dict[Tenant, list[AccessToken]] = {}
    for token in AccessToken.objects.static().live().filter(user=user).select_related("tenant"):
        by_tenant.setdefault(token.tenant, []).append(token)
    for tenant, tokens in by_tenant.items():
        _offer_to_revoke(tenant, user, tokens)


def _offer_to_revoke(tenant: Tenant, user: User, tokens: list[AccessToken]) -> None:
    if len(tokens) == 1:
        what, link = "1 static token", reverse("mcp_access:token-revoke", args=[tokens[0].pk])
    else:
        what, link = f"{len(tokens)} static tokens", reverse("mcp_access:token-list")
    notify(
        tenant,
        user=user,
        level=Notice.Level.WARNING,
        title=f"Your password was changed; {what} still work{'s' if len(tokens) == 1 else ''}",
        body=(
            "AI apps that were connected by signing in have been disconnected. Static tokens do "
            "not depend on the password: revoke those you did not make or no longer trust."
        ),
        link=link,
    )
