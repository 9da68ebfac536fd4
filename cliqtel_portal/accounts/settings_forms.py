"""Forms of Settings. What is allowed is the services' to say."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.html import format_html
from django.utils.safestring import SafeString

from cliqtel_portal import formats
from cliqtel_portal.accounts.services.region import time_zones
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
