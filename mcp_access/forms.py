"""What people post on the token pages. The rules of tokens are `mcp_access.services`'."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.http import QueryDict
from django.utils import timezone

from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.errors import PortalError
from mcp_access.limits import limits_of
from mcp_access.token_preview import TokenRequest

PRESET_DAYS = (7, 30, 60, 90)
_CUSTOM = "custom"
# Where a problem of the service has its field under another name here.
_FIELD_OF_PROBLEM = {"expires": "lifetime", "not_before": "starts_on"}


def _scopes() -> list[tuple[str, str]]:
    return [(name, name) for name in settings.MCP_SCOPES]


class _ScopeBoxes(forms.CheckboxSelectMultiple):
    def id_for_label(self, id_: str, index: str | None = None) -> str:
        """The group's own id, so that the list of problems can lead there."""
        return super().id_for_label(id_, index) if index is not None else id_


class _Presets(forms.RadioSelect):
    def id_for_label(self, id_: str, index: str | None = None) -> str:
        return super().id_for_label(id_, index) if index is not None else id_


class TokenForm(forms.Form):
    """A token to be made, in `actor`'s account. Field types are checked here, rules by the service.

    `account` is the tenant the form was opened in: who switches in another tab must not get a
    token of the wrong one. `form_id` lets a reload of the answer find the token it made.
    """

    account = forms.UUIDField(widget=forms.HiddenInput)
    form_id = forms.UUIDField(widget=forms.HiddenInput)
    name = forms.CharField(
        label="Name",
        required=False,
        help_text="What it is for. People see it in the list and in the activity log.",
        widget=forms.TextInput(attrs={"maxlength": 80, "autocomplete": "off"}),
    )
    note = forms.CharField(
        label="Note (optional)",
        required=False,
        help_text="Why it exists, who to ask, a ticket.",
        widget=forms.TextInput(attrs={"maxlength": 200, "autocomplete": "off"}),
    )
    scopes = forms.MultipleChoiceField(
        label="Scopes",
        required=False,
        choices=_scopes,
        widget=_ScopeBoxes,
        error_messages={"invalid_choice": "There is no scope %(value)s."},
    )
    lifetime = forms.ChoiceField(
        label="Expires",
        required=False,
        choices=[*((str(days), f"{days} days") for days in PRESET_DAYS), (_CUSTOM, "Other date")],
        widget=_Presets,
        error_messages={"invalid_choice": "Choose one of the periods."},
    )
    expires_on = forms.DateField(
        label="Last day",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    allowed_cidrs = forms.CharField(
        label="Allowed addresses (optional)",
        required=False,
        help_text="One network or address a line. Empty: from anywhere.",
        widget=forms.Textarea(
            attrs={
                "rows": 3,
                "placeholder": "192.0.2.0/24",
                "spellcheck": "false",
                "autocapitalize": "off",
            }
        ),
    )
    burst_per_minute = forms.IntegerField(
        label="Calls a minute (optional)",
        required=False,
        widget=forms.NumberInput(attrs={"min": 1, "inputmode": "numeric"}),
    )
    starts_on = forms.DateField(
        label="Starts on (optional)",
        required=False,
        help_text="The first day on which it works. Empty: at once.",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        actor: Membership,
        initial: Mapping[str, Any] | None = None,
    ) -> None:
        start: dict[str, Any] = {
            "account": actor.tenant_id,
            "form_id": uuid.uuid4(),
            "lifetime": str(settings.STATIC_TOKEN_DEFAULT_DAYS),
        }
        super().__init__(data, initial=start | dict(initial or {}))
        self.actor = actor
        self.zone = ZoneInfo(actor.tenant.time_zone)
        today = self._today()
        most = limits_of(actor.tenant).burst_per_minute
        self.fields["burst_per_minute"].widget.attrs["max"] = most
        self.fields["burst_per_minute"].help_text = f"Its own limit, at most {most}, the account's."
        for name in ("expires_on", "starts_on"):
            self.fields[name].widget.attrs |= {
                "min": today.isoformat(),
                "max": self._last_day(today).isoformat(),
            }

    def clean_account(self) -> uuid.UUID:
        account: uuid.UUID = self.cleaned_data["account"]
        if account != self.actor.tenant_id:
            raise forms.ValidationError("another account")
        return account

    def clean_starts_on(self) -> date | None:
        starts_on: date | None = self.cleaned_data["starts_on"]
        if starts_on is not None and starts_on < self._today():
            raise forms.ValidationError("Choose today or a later day.")
        if starts_on is not None and starts_on > self._last_day(self._today()):
            raise forms.ValidationError(f"At most {settings.STATIC_TOKEN_MAX_DAYS} days ahead.")
        return starts_on

    def clean(self) -> dict[str, Any]:
        values = self.cleaned_data
        is_custom = values.get("lifetime") == _CUSTOM
        if is_custom and values.get("expires_on") is None and "expires_on" not in self.errors:
            self.add_error("expires_on", "Choose the last day on which it works.")
        return values

    @property
    def is_of_another_account(self) -> bool:
        return "account" in self.errors or "form_id" in self.errors

    def carried_over(self) -> dict[str, Any]:
        """What was typed, as the start of a form in the account that is open now."""
        return {
            name: self[name].value() for name in self.fields if name not in {"account", "form_id"}
        }

    @property
    def has_input_of_advanced(self) -> bool:
        """Whether the fold of the rarely used fields has to be open."""
        names = ("allowed_cidrs", "burst_per_minute", "starts_on")
        return any(self[name].value() or self[name].errors for name in names)

    @property
    def chosen_scopes(self) -> list[str]:
        return [str(scope) for scope in self["scopes"].value() or []]

    def token_request(self) -> TokenRequest:
        """What is asked for; where a field is wrong, as if it had been left out."""
        values = self.cleaned_data
        starts_on = values.get("starts_on")
        return TokenRequest(
            name=values.get("name", ""),
            note=values.get("note", ""),
            scopes=values.get("scopes", []),
            expires_at=self._expires_at(),
            allowed_cidrs=re.split(r"[\s,;]+", values.get("allowed_cidrs", "")),
            not_before=(
                self._start_of(starts_on) if starts_on and starts_on > self._today() else None
            ),
            burst_per_minute=values.get("burst_per_minute"),
        )

    def add_problems(self, error: PortalError) -> None:
        """Put each problem beside its field, unless the field is known to be wrong already."""
        wrong = set(self.errors)
        is_custom = self.cleaned_data.get("lifetime") == _CUSTOM
        for problem in error.problems:
            field = _FIELD_OF_PROBLEM.get(problem.field, problem.field)
            if field == "lifetime" and is_custom:
                field = "expires_on"
            if field not in wrong:
                self.add_error(field if field in self.fields else None, problem.message)

    def _expires_at(self) -> datetime:
        now = timezone.now()
        longest = now + timedelta(days=settings.STATIC_TOKEN_MAX_DAYS)
        lifetime = self.cleaned_data.get("lifetime") or str(settings.STATIC_TOKEN_DEFAULT_DAYS)
        if lifetime != _CUSTOM:
            return now + timedelta(days=int(lifetime))
        last_day = self.cleaned_data.get("expires_on")
        if last_day is None:
            return longest
        if last_day < self._today():
            return now
        if last_day > self._last_day(self._today()):
            return longest + timedelta(days=1)
        # The last day that may be chosen ends some hours later than a year from this moment.
        return min(self._start_of(last_day + timedelta(days=1)), longest)

    def _today(self) -> date:
        return timezone.localdate(timezone=self.zone)

    def _last_day(self, today: date) -> date:
        return today + timedelta(days=settings.STATIC_TOKEN_MAX_DAYS)

    def _start_of(self, day: date) -> datetime:
        return datetime(day.year, day.month, day.day, tzinfo=self.zone)


class RotateForm(forms.Form):
    """For how long the old token works on."""

    overlap = forms.TypedChoiceField(
        label="The old token works for another",
        coerce=int,
        choices=[
            (0, "0 hours: it stops now"),
            (1, "1 hour"),
            (24, "24 hours"),
            (168, "7 days"),
        ],
        initial=24,
    )


class LimitForm(forms.Form):
    """A token's own burst limit."""

    burst_per_minute = forms.IntegerField(
        label="Calls a minute",
        required=False,
        widget=forms.NumberInput(attrs={"min": 1, "inputmode": "numeric"}),
    )

    def __init__(self, data: QueryDict | None = None, *, most: int, **options: Any) -> None:
        super().__init__(data, **options)
        field = self.fields["burst_per_minute"]
        field.widget.attrs["max"] = most
        field.help_text = f"At most {most}, the account's limit. Empty: the account's."


class WebhookForm(forms.Form):
    """The rules are the service's. The address is a secret: the page never has it back."""

    url = forms.CharField(
        label="Webhook address",
        max_length=500,
        help_text=(
            "From “Incoming Webhooks” of your Slack app: https://hooks.slack.com/services/…"
            " It is stored encrypted and not shown again."
        ),
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
