"""django-allauth's forms with our labels: each said once, and password managers are helped."""

from __future__ import annotations

from typing import Any

from allauth.account import forms as allauth_forms
from django import forms


def _plain(form: forms.Form, labels: dict[str, str]) -> None:
    """Set labels; drop placeholders, which vanish on typing and repeat the label."""
    for name, field in form.fields.items():
        field.widget.attrs.pop("placeholder", None)
        field.label = labels.get(name, field.label)


class LoginForm(allauth_forms.LoginForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _plain(self, {"login": "E-mail", "password": "Password"})
        # The page has the "Forgot" link itself, beside the button.
        self.fields["password"].help_text = ""
        self.fields["login"].widget.attrs.update(autocomplete="username", spellcheck="false")


class ChangePasswordForm(allauth_forms.ChangePasswordForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _plain(
            self,
            {
                "oldpassword": "Current password",
                "password1": "New password",
                "password2": "New password again",
            },
        )
        self.fields["oldpassword"].help_text = ""


class ResetPasswordForm(allauth_forms.ResetPasswordForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _plain(self, {"email": "E-mail"})
        self.fields["email"].widget.attrs.update(autocomplete="username", spellcheck="false")


class ResetPasswordKeyForm(allauth_forms.ResetPasswordKeyForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _plain(self, {"password1": "New password", "password2": "New password again"})
