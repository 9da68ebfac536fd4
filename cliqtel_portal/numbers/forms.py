from __future__ import annotations

from collections.abc import Iterable, Mapping

from django import forms
from django.db.models import Q

from cliqtel_portal.countries import country_name, is_country
from cliqtel_portal.number_types import Capability
from cliqtel_portal.numbers import patterns
from cliqtel_portal.numbers.models import PhoneNumber
from cliqtel_portal.numbers.querysets import PhoneNumberQuerySet

_CONNECTIONS = {
    "trunk": ("A trunk", Q(trunk__isnull=False)),
    "call_flow": ("A call flow", Q(call_flow__isnull=False)),
    "none": ("Not connected", Q(trunk__isnull=True, call_flow__isnull=True)),
}


class NumberFilterForm(forms.Form):
    """What the list is narrowed to, from the address. Released numbers only when asked for."""

    digits = forms.CharField(
        label="Digits",
        required=False,
        max_length=30,
        widget=forms.TextInput(
            attrs={
                "type": "search",
                "inputmode": "tel",
                "placeholder": "+31 20",
                "autocomplete": "off",
            }
        ),
    )
    status = forms.ChoiceField(
        label="Status", required=False, choices=[("", "Any"), *PhoneNumber.Status.choices]
    )
    country = forms.CharField(
        label="Country", required=False, max_length=2, widget=forms.Select(), strip=True
    )
    capability = forms.ChoiceField(
        label="Capability", required=False, choices=[("", "Any"), *Capability.choices]
    )
    connection = forms.ChoiceField(
        label="Connection",
        required=False,
        choices=[("", "Any"), *((key, label) for key, (label, _) in _CONNECTIONS.items())],
    )
    emergency = forms.ChoiceField(
        label="Emergency",
        required=False,
        choices=[("", "Any"), *PhoneNumber.EmergencyState.choices],
    )
    tag = forms.CharField(label="Tag", required=False, max_length=40, widget=forms.Select())

    def __init__(
        self, data: Mapping[str, str], *, countries: Iterable[str], tags: Iterable[str]
    ) -> None:
        super().__init__(data)
        # What the address asks for is listed too: an old link shows what it had been made for.
        codes = {*countries, data.get("country", "").upper()}
        names = sorted((country_name(code), code) for code in codes if is_country(code))
        self._offer("country", [(code, f"{name} ({code})") for name, code in names])
        given = {*tags, data.get("tag", "").strip()} - {""}
        self._offer("tag", [(tag, tag) for tag in sorted(given)])

    @property
    def is_used(self) -> bool:
        return any(self.data.get(name, "").strip() for name in self.fields)

    def clean_country(self) -> str:
        code: str = self.cleaned_data["country"].upper()
        if code and not is_country(code):
            raise forms.ValidationError("There is no such country.")
        return code

    def clean_digits(self) -> Q:
        text: str = self.cleaned_data["digits"]
        if not text:
            return Q()
        try:
            return patterns.of_any_country(text)
        except patterns.NotAPattern as error:
            raise forms.ValidationError(str(error)) from error

    def narrow(self, numbers: PhoneNumberQuerySet) -> PhoneNumberQuerySet:
        """Those that are asked for; none where a filter makes no sense, the form says which."""
        if not self.is_valid():
            return numbers.none()
        wanted = self.cleaned_data
        if wanted["status"]:
            numbers = numbers.filter(status=wanted["status"])
        else:
            numbers = numbers.exclude(status=PhoneNumber.Status.RELEASED)
        if wanted["country"]:
            numbers = numbers.filter(country=wanted["country"])
        if wanted["capability"]:
            numbers = numbers.filter(capabilities__contains=[wanted["capability"]])
        if wanted["connection"]:
            numbers = numbers.filter(_CONNECTIONS[wanted["connection"]][1])
        if wanted["emergency"]:
            numbers = numbers.filter(emergency_state=wanted["emergency"])
        if wanted["tag"]:
            numbers = numbers.filter(tags__contains=[wanted["tag"]])
        return numbers.filter(wanted["digits"])

    def _offer(self, name: str, choices: list[tuple[str, str]]) -> None:
        widget = self.fields[name].widget
        assert isinstance(widget, forms.Select)
        widget.choices = [("", "Any"), *choices]
