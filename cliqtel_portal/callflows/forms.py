from __future__ import annotations

import re

from django import forms
from django.db.models import Exists, OuterRef, Q, QuerySet

from cliqtel_portal.accounts.models import Tenant
from cliqtel_portal.callflows.listing import MEETS
from cliqtel_portal.callflows.models import CallFlow, Change
from cliqtel_portal.callflows.services import held_numbers
from cliqtel_portal.numbers import patterns
from cliqtel_portal.numbers.models import PhoneNumber

_DIGITS = re.compile(r"[0-9 ()./+-]+")


class FlowFilterForm(forms.Form):
    """What the list is narrowed to, from the address."""

    q = forms.CharField(
        label="Number or flow",
        required=False,
        max_length=80,
        widget=forms.TextInput(
            attrs={
                "type": "search",
                "placeholder": "0123 or Reception",
                "autocomplete": "off",
            }
        ),
    )
    status = forms.ChoiceField(
        label="A call meets",
        required=False,
        choices=[("", "Anything"), *((key, label) for key, (label, _) in MEETS.items())],
    )
    waiting = forms.ChoiceField(
        label="Changes", required=False, choices=[("", "Any"), ("yes", "One waits for a decision")]
    )
    flow = forms.UUIDField(required=False, widget=forms.HiddenInput())

    @property
    def is_used(self) -> bool:
        return any(self.data.get(name, "").strip() for name in self.fields)

    def flow_of(self, tenant: Tenant) -> CallFlow | None:
        """The one that the list is narrowed to."""
        if not self.is_valid() or not self.cleaned_data["flow"]:
            return None
        return CallFlow.objects.for_tenant(tenant).filter(pk=self.cleaned_data["flow"]).first()

    def narrow(self, tenant: Tenant) -> QuerySet[PhoneNumber]:
        """The numbers that are asked for; none where a filter makes no sense."""
        numbers = held_numbers(tenant)
        if not self.is_valid():
            return numbers.none()
        wanted = self.cleaned_data
        if wanted["status"]:
            numbers = numbers.filter(MEETS[wanted["status"]][1])
        if wanted["waiting"]:
            pending = Change.objects.filter(
                call_flow=OuterRef("call_flow"), status=Change.Status.PENDING
            )
            numbers = numbers.filter(Exists(pending))
        if wanted["flow"]:
            numbers = numbers.filter(call_flow=wanted["flow"])
        return numbers.filter(_matching(wanted["q"]))


def _matching(text: str) -> Q:
    """Digits are part of a number, anything else is part of a name."""
    if not text:
        return Q()
    by_name = Q(call_flow__name__icontains=text)
    if not _DIGITS.fullmatch(text):
        return by_name
    try:
        return patterns.of_any_country(text) | by_name
    except patterns.NotAPattern:
        return by_name
