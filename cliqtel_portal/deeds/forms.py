from __future__ import annotations

import uuid
from typing import cast

from django import forms

from cliqtel_portal.numbers.services.places import PlaceKind


class TargetForm(forms.Form):
    """Where a number is to lead: "trunk:<id>", "call_flow:<id>" or "none"."""

    target = forms.RegexField(
        regex=r"^(none|(trunk|call_flow):[0-9a-f-]{36})$",
        error_messages={"required": "Choose where calls are to go.", "invalid": "Choose again."},
    )

    def clean_target(self) -> tuple[PlaceKind, uuid.UUID | None]:
        kind, _, text = self.cleaned_data["target"].partition(":")
        try:
            target_id = uuid.UUID(text) if text else None
        except ValueError as error:
            raise forms.ValidationError("Choose again.") from error
        return cast("PlaceKind", kind), target_id


class ConnectForm(TargetForm):
    # What the page showed: a move meanwhile is told, not overwritten.
    if_currently = forms.CharField(max_length=36)


class GiveUpForm(forms.Form):
    confirm_number = forms.CharField(
        label="The number, typed",
        max_length=40,
        widget=forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "off"}),
    )
