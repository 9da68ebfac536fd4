from __future__ import annotations

from collections.abc import Iterable, Sequence

from django import forms
from django.http import QueryDict

from cliqtel_portal.number_types import Capability, NumberType
from cliqtel_portal.numbers.services.stock_query import StockFilters

_WHERE = {"contains": "anywhere", "starts_with": "at the start", "ends_with": "at the end"}
MAX_ROW = 50  # numbers in one row: as many as one order takes
# Filters that the page folds away while nobody uses them.
_FOLDED = ("area", "digits", "in_a_row", "max_monthly", "without_requirements")
# What a filter of the search is on this page.
_FIELD_OF = {
    "contains": "digits",
    "starts_with": "digits",
    "ends_with": "digits",
    "consecutive": "in_a_row",
    "quantity": "in_a_row",
}


class StockSearchForm(forms.Form):
    """What is looked for in the stock, from the address."""

    country = forms.ChoiceField(label="Country", required=False)
    number_type = forms.ChoiceField(
        label="Type", required=False, choices=[("", "Any"), *NumberType.choices]
    )
    capabilities = forms.MultipleChoiceField(
        label="Has to carry",
        required=False,
        choices=Capability.choices,
        widget=forms.CheckboxSelectMultiple,
    )
    digits = forms.CharField(
        label="Digits",
        required=False,
        max_length=30,
        widget=forms.TextInput(
            attrs={"inputmode": "tel", "placeholder": "0123 or TAXI", "autocomplete": "off"}
        ),
    )
    where = forms.ChoiceField(
        label="Where", required=False, choices=list(_WHERE.items()), initial="contains"
    )
    area = forms.CharField(
        label="City or area code",
        required=False,
        max_length=80,
        widget=forms.TextInput(attrs={"placeholder": "Amsterdam or 020", "autocomplete": "off"}),
    )
    in_a_row = forms.IntegerField(
        label="Numbers in a row",
        required=False,
        min_value=2,
        max_value=MAX_ROW,
        widget=forms.NumberInput(attrs={"placeholder": "10"}),
    )
    max_monthly = forms.DecimalField(
        label="At most a month",
        required=False,
        min_value=0,
        max_digits=8,
        decimal_places=2,
        widget=forms.NumberInput(attrs={"placeholder": "2.50"}),
    )
    without_requirements = forms.BooleanField(label="Needs no documents", required=False)

    def __init__(self, data: QueryDict, *, countries: Iterable[tuple[str, str]]) -> None:
        super().__init__(data)
        country = self.fields["country"]
        assert isinstance(country, forms.ChoiceField)
        country.choices = [("", "Choose…"), *countries]

    @property
    def is_folded(self) -> bool:
        return not any(self.data.get(name, "").strip() for name in _FOLDED)

    def filters(self) -> StockFilters | None:
        """None: no country was chosen, or something makes no sense and the form says what."""
        if not self.is_valid() or not self.cleaned_data["country"]:
            return None
        wanted = self.cleaned_data
        pattern = {wanted["where"] or "contains": wanted["digits"] or None}
        return StockFilters(
            country=wanted["country"],
            number_type=wanted["number_type"] or None,
            capabilities=tuple(wanted["capabilities"]),
            area=wanted["area"] or None,
            contains=pattern.get("contains"),
            starts_with=pattern.get("starts_with"),
            ends_with=pattern.get("ends_with"),
            quantity=wanted["in_a_row"],
            consecutive=wanted["in_a_row"] is not None,
            max_monthly=wanted["max_monthly"],
            without_requirements=wanted["without_requirements"],
        )

    def refuse(self, problems: Iterable[tuple[str, str]]) -> None:
        """The search itself found fault with some filters."""
        for name, message in problems:
            field = field_of(name)
            self.add_error(field if field in self.fields else None, message)


def field_of(filter_name: str) -> str:
    """The field of the page that sets a filter of the search."""
    return _FIELD_OF.get(filter_name, filter_name)


class SelectionForm(forms.Form):
    """Numbers that were ticked. Which of them can be had is for the services to say."""

    numbers = forms.MultipleChoiceField(
        error_messages={"required": "Choose at least one number first."}
    )
    trunk = forms.UUIDField(required=False)

    def __init__(self, data: QueryDict) -> None:
        super().__init__(data)
        # Each once: what is held may have been found again as well.
        self.ticked: Sequence[str] = list(dict.fromkeys(data.getlist("numbers")))
        field = self.fields["numbers"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = [(number, number) for number in self.ticked]

    def clean_numbers(self) -> list[str]:
        if len(self.ticked) > MAX_ROW:
            raise forms.ValidationError(f"Choose at most {MAX_ROW} numbers at once.")
        return list(self.ticked)
