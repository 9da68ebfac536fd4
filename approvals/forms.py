"""What people post: a decision, a policy. The rules are the services'."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django import forms
from django.conf import settings
from django.http import QueryDict

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
    """The rules of one action. Amounts are in the tenant's currency."""

    decider_role = forms.ChoiceField(label="Who decides", choices=Policy.DeciderRole.choices)
    always_four_eyes = forms.BooleanField(
        label="Always another person than the one who asked", required=False
    )
    four_eyes_from = forms.DecimalField(
        label="Another person than the one who asked, from",
        required=False,
        max_digits=14,
        decimal_places=2,
        help_text="The first charge. Empty: no amount asks for it.",
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
        initial: dict[str, Any] = {
            "decider_role": terms.decider_role,
            "always_four_eyes": terms.always_four_eyes,
            "four_eyes_from": _plain(terms.four_eyes_from),
            "expires_hours": _hours(terms.expires_seconds),
        }
        for number, layer in enumerate(terms.layers):
            initial[f"layer_{number}_from"] = _plain(layer.amount_from)
            initial[f"layer_{number}_deciders"] = layer.deciders
        super().__init__(data, initial=initial)
        self.rows = max(_LAYER_ROWS, len(terms.layers))
        self.currency = currency
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
        four_eyes_from = self.fields["four_eyes_from"]
        four_eyes_from.label = f"{four_eyes_from.label} ({currency})"
        if action in settings.APPROVAL_ALWAYS_FOUR_EYES:
            self.fields["always_four_eyes"].disabled = True
            self.fields["always_four_eyes"].help_text = "Fixed for this action."
        for name, field in self.fields.items():
            if isinstance(field.widget, forms.NumberInput):
                whole = name.endswith("deciders")
                field.widget.attrs.update(
                    {"inputmode": "numeric" if whole else "decimal", "step": 1 if whole else "any"}
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
        layers = []
        for amount, deciders in self.layer_rows():
            if cleaned[amount.name] is not None:
                layers.append(
                    {"from": str(cleaned[amount.name]), "deciders": cleaned[deciders.name]}
                )
        return {
            "layers": layers,
            "four_eyes_from": cleaned["four_eyes_from"],
            "always_four_eyes": cleaned["always_four_eyes"],
            "decider_role": Policy.DeciderRole(cleaned["decider_role"]),
            "expires_seconds": int(cleaned["expires_hours"] * _HOUR),
        }

    def add_problems(self, error: InvalidArguments) -> None:
        fields = {"layers": "layer_0_from", "expires_seconds": "expires_hours"}
        for problem in error.problems:
            self.add_error(fields.get(problem.field, problem.field), problem.message)


def _plain(amount: Decimal | None) -> str:
    return "" if amount is None else Money(amount=amount).plain


def _hours(seconds: int) -> str:
    return f"{Decimal(seconds) / _HOUR:.2f}".removesuffix("00").removesuffix(".")
