"""Forms of Settings. What is allowed is the services' to say."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.html import format_html
from django.utils.safestring import SafeString

from cliqtel_portal import formats
from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.accounts.role_words import ROLE_WORDS
from cliqtel_portal.accounts.services.region import time_zones
from cliqtel_portal.errors import PortalError
from cliqtel_portal.money import Money

_SAMPLE = Decimal("1234.56")


class RegionForm(forms.Form):
    time_zone = forms.CharField(
        label="Time zone",
        max_length=60,
        widget=forms.TextInput(
            attrs={"list": "time-zones", "autocomplete": "off", "spellcheck": "false"}
        ),
    )
    number_format = forms.ChoiceField(
        label="Amounts and dates", widget=forms.RadioSelect, choices=()
    )

    def __init__(self, *args: Any, currency: str, now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields[
            "time_zone"
        ].help_text = (
            f"Type a city: the list narrows. In {now.tzinfo} it is {formats.day_and_time(now)} now."
        )
        self.fields["number_format"].choices = [  # type: ignore[attr-defined]
            (code, _sample(code, currency, now)) for code in formats.FORMATS
        ]

    def clean_time_zone(self) -> str:
        """The zone's own name, of what a person writes for it: "amsterdam", "new york"."""
        wanted = self.cleaned_data["time_zone"].strip().replace(" ", "_").casefold()
        names = [name for name in time_zones() if name.casefold() == wanted] or [
            name for name in time_zones() if name.casefold().rpartition("/")[2] == wanted
        ]
        if len(names) != 1:
            raise forms.ValidationError(
                "There is no such time zone. Choose one of the list, as Europe/Amsterdam."
            )
        return names[0]


class _RoleField(forms.ChoiceField):
    """Roles with what each may; the lowest first."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            **kwargs,
            label="Role",
            widget=forms.RadioSelect,
            choices=[
                (
                    role.value,
                    format_html(
                        '<span>{}<span class="under small muted">{}</span></span>',
                        role.label,
                        ROLE_WORDS[role],
                    ),
                )
                for role in Membership.Role
            ],
        )


class RoleForm(forms.Form):
    role = _RoleField()


class InvitationForm(forms.Form):
    # Checked in full by the service, which also knows who is here already.
    email = forms.CharField(
        label="E-mail",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    role = _RoleField(initial=Membership.Role.MEMBER)


class NewPersonForm(forms.Form):
    name = forms.CharField(
        label="Your name",
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    password = forms.CharField(
        label="Password",
        max_length=1024,
        strip=False,
        help_text="At least 10 characters, and none that everybody uses.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )


class NameForm(forms.Form):
    name = forms.CharField(
        label="Name",
        max_length=120,
        help_text="As colleagues see it: on approvals, in the log, in mails.",
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )


class EmailForm(forms.Form):
    email = forms.CharField(
        label="New e-mail",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email", "spellcheck": "false"}),
    )
    password = forms.CharField(
        label="Your password",
        max_length=1024,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


def tell(form: forms.Form, error: PortalError) -> None:
    """What a service refused stands beside the fields that it is about."""
    for problem in error.problems:
        form.add_error(problem.field if problem.field in form.fields else None, problem.message)
    if not error.problems:
        form.add_error(None, error.message)


def _sample(code: str, currency: str, now: datetime) -> SafeString:
    with formats.written_as(code) as chosen:
        amount = Money(amount=_SAMPLE, currency=currency)
        return format_html(
            '<span>{} <span class="muted">·</span> {}'
            '<span class="under small muted">{}</span></span>',
            amount,
            formats.day_and_time(now),
            chosen.where,
        )
