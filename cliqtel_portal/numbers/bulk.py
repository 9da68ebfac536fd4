"""Several numbers of the list at once: which ones a form means, and what it had when refused."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse

from cliqtel_portal.accounts.models import Tenant
from cliqtel_portal.numbers.forms import NumberFilterForm
from cliqtel_portal.numbers.models import PhoneNumber
from cliqtel_portal.numbers.tags import NotATag, parse_tags

_PER_PAGE = 50
_SESSION_KEY = "numbers_refused"
_MAX_QUERY = 2000


class WhichNumbersForm(forms.Form):
    """The ticked ones, those of the page that was shown, or all that its filter finds."""

    TICKED, SHOWN, FOUND = "ticked", "shown", "found"

    which = forms.ChoiceField(
        choices=[(TICKED, "Ticked"), (SHOWN, "This page"), (FOUND, "All that match")],
        error_messages={"required": "Say for which numbers.", "invalid_choice": "Choose again."},
    )

    def __init__(self, data: QueryDict) -> None:
        super().__init__(data)
        self.ticked = _ids(data.getlist("number"))
        self._shown = _ids(data.get("shown", "").split(","))
        self._query = QueryDict(data.get("query", "")[:_MAX_QUERY])

    def clean_which(self) -> str:
        which: str = self.cleaned_data["which"]
        if which == self.TICKED and not self.ticked:
            raise forms.ValidationError("Tick the numbers first.")
        return which

    def ids(self, tenant: Tenant) -> list[uuid.UUID]:
        """Of a valid form; one more than allowed where there are too many. Services scope them."""
        match self.cleaned_data["which"]:
            case self.TICKED:
                return self.ticked
            case self.SHOWN:
                return self._shown
        filters = NumberFilterForm(self._query.dict(), countries=(), tags=())
        found = filters.narrow(PhoneNumber.objects.for_tenant(tenant))
        return list(found.values_list("pk", flat=True)[: settings.NUMBER_BULK_LIMIT + 1])

    def back(self) -> HttpResponse:
        """To the list as it was."""
        query = self._query.urlencode()
        address = reverse("numbers:list")
        return redirect(f"{address}?{query}" if query else address)


class TagsForm(forms.Form):
    tags = forms.CharField(
        max_length=1000,
        error_messages={"required": "Write a tag.", "max_length": "That is too much at once."},
    )

    def clean_tags(self) -> tuple[str, ...]:
        try:
            tags = parse_tags(self.cleaned_data["tags"])
        except NotATag as error:
            raise forms.ValidationError(str(error)) from error
        if not tags and self.fields["tags"].required:
            raise forms.ValidationError("Write a tag.")
        return tags


def refuse(request: HttpRequest, *forms_: forms.Form, **typed: Any) -> None:
    """The next page tells every error, and has what the person has `typed` already."""
    for form in forms_:
        for errors in form.errors.values():
            for error in errors:
                messages.error(request, str(error))
    request.session[_SESSION_KEY] = typed


def refuse_many(request: HttpRequest, selection: WhichNumbersForm, form: forms.Form) -> None:
    """The same of several numbers at once: whichever of the form's buttons it was."""
    refuse(
        request,
        selection,
        form,
        ticked=[str(number_id) for number_id in selection.ticked],
        which=request.POST.get("which", "")[:10],
        tags=request.POST.get("tags", "")[:1000],
        target=request.POST.get("target", "")[:60],
    )


def take_refused(request: HttpRequest) -> Mapping[str, Any]:
    """What `refuse` kept, once."""
    kept: Mapping[str, Any] = request.session.pop(_SESSION_KEY, {})
    return kept


def _ids(texts: list[str]) -> list[uuid.UUID]:
    """Each once, at most a page of them; what is no id is left out."""
    ids = []
    for text in texts[:_PER_PAGE]:
        try:
            ids.append(uuid.UUID(text))
        except ValueError:
            continue
    return list(dict.fromkeys(ids))
