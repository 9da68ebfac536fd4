"""What people post: a decision, a policy. The rules are the services'."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django import forms
from django.conf import settings
from django.http import QueryDict

from approvals.actions import PRICED
from approvals.models import Policy
from approvals.policies import Terms
from cliqtel_portal.errors import InvalidArguments
from cliqtel_portal.money import Money

_LAYER_ROWS = 2
_HOUR = 3600


class DecisionForm(forms.Form):
    """`digest` is what was on the screen."""

    digest = forms.CharField(max_length=64, widget=forms.HiddenInput)
    comment = forms.CharField(
        label="Comment (optional)",
        required=False,
        max_length=1000,
        help_text="Goes back to the AI host, and stays with the decision.",
        widget=forms.Textarea(attrs={"rows": 3, "maxlength": 1000}),
    )
    password = forms.CharField(
        label="Your password",
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class PolicyForm(forms.Form):
    """The rules of one action: with amounts, in the tenant's currency, where it costs something."""

    decider_role = forms.ChoiceField(label="Who decides", choices=Policy.DeciderRole.choices)
    always_four_eyes = forms.BooleanField(
        label="Always another person than the one who asked", required=False
    )
    expires_hours = forms.DecimalField(
        label="Hours until it expires",
        max_digits=6,
        decimal_places=2,
        help_text="Nobody can approve it after that. 720 at most.",
    )

    def __init__(
        self, data: QueryDict | None = None, *, action: str, terms: Terms, currency: str
    ) -> None:
        super().__init__(data)
        self.terms = terms
        self.is_priced = action in PRICED
        self.rows = max(_LAYER_ROWS, len(terms.layers)) if self.is_priced else 0
        self.initial = {
            "decider_role": terms.decider_role,
            "always_four_eyes": terms.always_four_eyes,
            "expires_hours": _hours(terms.expires_seconds),
        }
        if self.is_priced:
            self._add_amounts(currency)
        else:
            self._add_people()
        if action in settings.APPROVAL_ALWAYS_FOUR_EYES:
            self.fields["always_four_eyes"].disabled = True
            self.fields["always_four_eyes"].help_text = "Fixed for this action."
        for name, field in self.fields.items():
            if isinstance(field.widget, forms.NumberInput):
                whole = name.endswith("deciders")
                field.widget.attrs.update(
                    {"inputmode": "numeric" if whole else "decimal", "step": 1 if whole else "any"}
                )

    def _add_amounts(self, currency: str) -> None:
        self.fields["four_eyes_from"] = forms.DecimalField(
            label=f"Another person than the one who asked, from ({currency})",
            required=False,
            max_digits=14,
            decimal_places=2,
            help_text="The first charge. Empty: no amount asks for it.",
        )
        self.initial["four_eyes_from"] = _plain(self.terms.four_eyes_from)
        for number in range(self.rows):
            self.fields[f"layer_{number}_from"] = forms.DecimalField(
                label=f"Step {number + 1}: from ({currency})",
                required=False,
                max_digits=14,
                decimal_places=2,
            )
            self.fields[f"layer_{number}_deciders"] = forms.IntegerField(
                label=f"Step {number + 1}: people", required=False, min_value=1, max_value=10
            )
        for number, layer in enumerate(self.terms.layers):
            self.initial[f"layer_{number}_from"] = _plain(layer.amount_from)
            self.initial[f"layer_{number}_deciders"] = layer.deciders

    def _add_people(self) -> None:
        self.fields["deciders"] = forms.IntegerField(
            label="How many people agree",
            min_value=1,
            max_value=10,
            help_text="Where there are fewer, those there are confirm with their password.",
        )
        self.initial["deciders"] = max(
            (layer.deciders for layer in self.terms.layers if layer.amount_from == 0), default=1
        )

    def layer_rows(self) -> Iterator[tuple[forms.BoundField, forms.BoundField]]:
        for number in range(self.rows):
            yield self[f"layer_{number}_from"], self[f"layer_{number}_deciders"]

    def clean(self) -> dict[str, Any]:
        for amount, deciders in self.layer_rows():
            given = [self.cleaned_data.get(field.name) for field in (amount, deciders)]
            if given.count(None) == 1 and not (amount.errors or deciders.errors):
                lacking = amount if given[0] is None else deciders
                self.add_error(lacking.name, "Give both, an amount and a number of people.")
        return self.cleaned_data

    def arguments(self) -> dict[str, Any]:
        """What `set_policy` takes, of a form that is valid."""
        cleaned = self.cleaned_data
        four_eyes_from = self.terms.four_eyes_from
        if self.is_priced:
            four_eyes_from = cleaned["four_eyes_from"]
            layers = [
                {"from": str(cleaned[amount.name]), "deciders": cleaned[deciders.name]}
                for amount, deciders in self.layer_rows()
                if cleaned[amount.name] is not None
            ]
        else:
            people = cleaned["deciders"]
            layers = [{"from": "0", "deciders": people}] if people > 1 else []
        return {
            "layers": layers,
            "four_eyes_from": four_eyes_from,
            "always_four_eyes": cleaned["always_four_eyes"],
            "decider_role": Policy.DeciderRole(cleaned["decider_role"]),
            "expires_seconds": int(cleaned["expires_hours"] * _HOUR),
        }

    def add_problems(self, error: InvalidArguments) -> None:
        fields = {"layers": "layer_0_from", "expires_seconds": "expires_hours"}
        for problem in error.problems:
            name = fields.get(problem.field, problem.field)
            self.add_error(name if name in self.fields else None, problem.message)


def _plain(amount: Decimal | None) -> str:
    return "" if amount is None else Money(amount=amount).plain


def _hours(seconds: int) -> str:
    return f"{Decimal(seconds) / _HOUR:.2f}".removesuffix("00").removesuffix(".")
