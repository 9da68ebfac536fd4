"""What lists and pages of Django admin have in common."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.forms import ModelForm
from django.http import HttpRequest


class ReadOnly:
    """Rows come from services: nobody adds, changes or deletes them here, superusers included."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    """A list that staff look at."""


class ReadOnlyInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    """Rows of the object above, to be looked at."""

    extra = 0


class EditedAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Rows that staff keep up by hand. Forms can't ask for every rule: a trigger's, or one about a
    field that is only shown. Who breaks such a one has the form back as typed, with its name.
    """

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except IntegrityError as error:
            rule = getattr(getattr(error.__cause__, "diag", None), "constraint_name", None)
            request.broken_rule = rule or "of the database"  # type: ignore[attr-defined]
            return super().changeform_view(request, object_id, form_url, extra_context)

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> type[ModelForm[Any]]:
        form = super().get_form(request, obj, change, **kwargs)
        rule = getattr(request, "broken_rule", None)
        return form if rule is None else _refusing(form, f"Not saved: it breaks the rule {rule}.")


def _refusing(form: type[ModelForm[Any]], message: str) -> type[ModelForm[Any]]:
    class Refused(form):  # type: ignore[misc, valid-type]
        def clean(self) -> None:
            super().clean()
            raise ValidationError(message)

    return Refused
