from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms

from cliqtel_portal.messaging.models import Message
from cliqtel_portal.messaging.models.formats import Channel
from cliqtel_portal.messaging.querysets import MessageQuerySet
from cliqtel_portal.phone import display

# Nobody looks for a number in more lines; whoever has more types it.
LONGEST_MENU = 50
_STATUSES = [("", "Any"), *Message.Status.choices]


class MessageFilterForm(forms.Form):
    """What the list is narrowed to, from the address."""

    status = forms.ChoiceField(label="Status", required=False, choices=_STATUSES)
    channel = forms.ChoiceField(
        label="Channel", required=False, choices=[("", "Any"), *Channel.choices]
    )

    @property
    def is_used(self) -> bool:
        return any(self.data.get(name, "").strip() for name in self.fields)

    def narrow(self, messages: MessageQuerySet) -> MessageQuerySet:
        """Those that are asked for; none where a filter makes no sense, the form says which."""
        if not self.is_valid():
            return messages.none()
        wanted = {name: value for name, value in self.cleaned_data.items() if value}
        return messages.filter(**wanted)


class LimitForm(forms.Form):
    """The bounds are the service's: it tells all that is wrong."""

    messages_per_day = forms.IntegerField(
        label="Messages a day",
        min_value=0,
        help_text="SMS and WhatsApp together, all AI hosts together. 0: a person approves each.",
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )
    amount_per_day = forms.DecimalField(
        label="Amount a day",
        min_value=Decimal(0),
        decimal_places=2,
        max_digits=10,
        widget=forms.TextInput(attrs={"inputmode": "decimal"}),
    )

    def __init__(self, *args: Any, currency: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["amount_per_day"].help_text = f"In {currency}, without VAT."


def _typed_number(label: str) -> forms.CharField:
    return forms.CharField(
        label=label,
        max_length=40,
        widget=forms.TextInput(
            attrs={"inputmode": "tel", "autocomplete": "off", "placeholder": "+31612345678"}
        ),
    )


class OptOutForm(forms.Form):
    peer_number = _typed_number("Who wants no messages")
    our_number: forms.Field = forms.ChoiceField(label="From your number")
    channel = forms.ChoiceField(label="Channel", choices=Channel.choices)

    def __init__(self, *args: Any, numbers: Sequence[str], **kwargs: Any) -> None:
        """`numbers`: the tenant's that can send, or the first of them beyond LONGEST_MENU."""
        super().__init__(*args, **kwargs)
        if len(numbers) > LONGEST_MENU:
            self.fields["our_number"] = _typed_number("From your number")
            return
        field = self.fields["our_number"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(number, display(number)) for number in numbers]
