"""How django-allauth behaves here."""

from __future__ import annotations

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse


class ClosedSignupAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    # One sentence for unknown, wrong and inactive: nobody learns who has an account here.
    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": "The e-mail address or the password is not right.",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Nobody signs up by themselves: people are invited (contract.md)."""
        return False

    def get_reset_password_from_key_url(self, key: str) -> str:
        """Links in mails start at our issuer, never at the Host header that somebody sent."""
        uidb36, _, secret = key.partition("-")
        path = reverse("account_reset_password_from_key", kwargs={"uidb36": uidb36, "key": secret})
        return f"{settings.OAUTH_ISSUER}{path}"

    def format_email_subject(self, subject: str) -> str:
        """Without the default's prefix, which is the Host header again."""
        return subject
