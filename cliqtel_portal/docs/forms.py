from __future__ import annotations

from django import forms

from cliqtel_portal.docs.services import MAX_QUERY_CHARS


class SearchForm(forms.Form):
    q = forms.CharField(
        label="Search the docs",
        required=False,
        max_length=MAX_QUERY_CHARS,
        widget=forms.TextInput(
            attrs={
                "type": "search",
                "placeholder": "For example: one-way audio",
                "autocomplete": "off",
                "data-focus-key": "/",
            }
        ),
    )
