"""People, tenants, roles and partners, for staff. They sign in where everybody does."""

from __future__ import annotations

import zoneinfo
from typing import Any, cast

from allauth.account import admin as _  # noqa: F401 - it registers what is taken back here
from allauth.account.models import EmailAddress
from django import forms
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth import password_validation
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import (
    AdminPasswordChangeForm,
    AdminUserCreationForm,
    UserChangeForm,
)
from django.http import HttpRequest

from cliqtel_portal.accounts import views
from cliqtel_portal.accounts.change_models import AccountChange, MembershipChange
from cliqtel_portal.accounts.models import (
    BrowserSession,
    Invitation,
    Membership,
    Partner,
    Tenant,
    User,
)
from cliqtel_portal.accounts.services.members import save_as_staff
from cliqtel_portal.staff_admin import ReadOnlyAdmin

# The one door with the one set of limits.
admin.site.login = views.admin_login  # type: ignore[method-assign]
admin.site.site_header = "Cliqtel administration"
admin.site.site_title = "Cliqtel administration"
admin.site.index_title = "Overview"
# An address added there would open the account to whoever reads its mail. People's stand at User.
admin.site.unregister(EmailAddress)


class _CreateUser(AdminUserCreationForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = ("email", "name")

    def clean_email(self) -> str:
        """Stored in lower case: that is how people are looked up."""
        return str(self.cleaned_data["email"]).lower()


class _ChangeUser(UserChangeForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = "__all__"

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()


class _ChangePassword(AdminPasswordChangeForm):  # type: ignore[type-arg]
    def save(self, commit: bool = True) -> User:
        """Taking a password away is a change too; Django tells of new ones only."""
        user: User = super().save(commit)
        if commit and not user.has_usable_password():
            password_validation.password_changed("", user)
        return user


@admin.register(User)
class UserAdmin(DjangoUserAdmin):  # type: ignore[type-arg]
    form = _ChangeUser
    add_form = _CreateUser
    change_password_form = _ChangePassword
    list_display = ("email", "name", "is_active", "is_staff", "last_login")
    list_filter = ("is_active", "is_staff", "is_superuser", "memberships__tenant__tier")
    search_fields = ("email", "name", "memberships__tenant__name")
    search_help_text = "E-mail, name or tenant"
    ordering = ("email",)
    date_hierarchy = "created_at"
    readonly_fields = ("id", "created_at", "last_login")
    fieldsets = (
        (None, {"fields": ("email", "name", "password", "id")}),
        ("Access", {"fields": ("is_active", "is_staff", "is_superuser")}),
        (
            "Permissions in this administration",
            {"classes": ("collapse",), "fields": ("groups", "user_permissions")},
        ),
        ("Dates", {"fields": ("created_at", "last_login")}),
    )
    add_fieldsets = (
        (
            None,
            {
                "classes": ("wide",),
                "fields": ("email", "name", "usable_password", "password1", "password2"),
            },
        ),
    )

    def save_model(
        self, request: HttpRequest, obj: User, form: forms.ModelForm[User], change: bool
    ) -> None:
        """A former address must not open the account: django-allauth remembers each it has seen."""
        super().save_model(request, obj, form, change)
        EmailAddress.objects.filter(user=obj).exclude(email=obj.email).delete()


class MembershipInline(admin.TabularInline):  # type: ignore[type-arg]
    model = Membership
    extra = 0
    autocomplete_fields = ("user",)
    readonly_fields = ("created_at",)
    # Ended by a date, never deleted: tokens and the log point at it.
    can_delete = False


# A tenant's own limits, and the least of each: no connection at all is a way to stop new ones.
_LEAST = {"burst_per_minute": 1, "calls_per_month": 1, "connections": 0}
_MOST_OF_A_LIMIT = 1_000_000_000


class _TenantForm(forms.ModelForm):  # type: ignore[type-arg]
    # A name that the system doesn't know would break every page that shows a time.
    time_zone = forms.ChoiceField(
        choices=[(name, name) for name in sorted(zoneinfo.available_timezones())]
    )

    class Meta:
        model = Tenant
        fields = "__all__"

    def clean(self) -> dict[str, Any]:
        """Beside the field; the database would refuse a zero without saying which one."""
        values = super().clean() or self.cleaned_data
        for name, least in _LEAST.items():
            value = values.get(name)
            if value is not None and not least <= value <= _MOST_OF_A_LIMIT:
                self.add_error(
                    name, f"Between {least} and {_MOST_OF_A_LIMIT:,}, or empty for the tier's."
                )
        return values


@admin.register(Tenant)
class TenantAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    form = _TenantForm
    list_display = ("name", "slug", "tier", "status", "partner", "created_at")
    list_filter = ("tier", "status", "partner")
    list_select_related = ("partner",)
    search_fields = ("name", "slug")
    search_help_text = "Name or slug"
    ordering = ("name",)
    date_hierarchy = "created_at"
    readonly_fields = ("id", "created_at")
    inlines = (MembershipInline,)
    fieldsets = (
        (None, {"fields": ("name", "slug", "tier", "status", "partner", "id", "created_at")}),
        ("Region", {"fields": ("time_zone", "number_format", "currency")}),
        (
            "Own limits",
            {
                "description": "Empty means the tier's. Every change is in this tenant's history.",
                "fields": ("burst_per_minute", "calls_per_month", "connections"),
            },
        ),
    )

    def save_formset(
        self, request: HttpRequest, form: forms.ModelForm[Tenant], formset: Any, change: bool
    ) -> None:
        """The account's own record has what staff did with its people."""
        for membership in formset.save(commit=False):
            save_as_staff(membership, by=cast("User", request.user))

    def construct_change_message(
        self, request: HttpRequest, form: forms.Form, formsets: Any, add: bool = False
    ) -> Any:
        """The history says of a limit and of the tier what it was and what it is."""
        message = super().construct_change_message(request, form, formsets, add)
        for part in message if isinstance(message, list) else []:
            changed = part.get("changed", {})
            if "name" not in changed and "fields" in changed:
                changed["fields"] = [_with_values(form, name) for name in form.changed_data]
        return message


def _with_values(form: forms.Form, name: str) -> str:
    label = str(form.fields[name].label or name)
    if name not in {"tier", "status", *_LEAST}:
        return label
    before, after = (
        "the tier's" if value in {None, ""} else str(value)
        for value in (form.initial.get(name), form.cleaned_data.get(name))
    )
    return f"{label} from {before} to {after}"


@admin.register(Membership)
class MembershipAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("user", "tenant", "role", "created_at", "ended_at")
    list_filter = ("role", ("ended_at", admin.EmptyFieldListFilter), "tenant__tier")
    list_select_related = ("user", "tenant")
    search_fields = ("user__email", "user__name", "tenant__name", "tenant__slug")
    search_help_text = "Person or tenant"
    autocomplete_fields = ("user", "tenant")
    readonly_fields = ("id", "created_at")
    date_hierarchy = "created_at"

    def save_model(
        self,
        request: HttpRequest,
        obj: Membership,
        form: forms.ModelForm[Membership],
        change: bool,
    ) -> None:
        """The account's own record has what staff did with its people."""
        save_as_staff(obj, by=cast("User", request.user))

    def has_delete_permission(self, request: HttpRequest, obj: Membership | None = None) -> bool:
        """Ended by a date, never deleted: tokens and the log point at it."""
        return False


@admin.register(Partner)
class PartnerAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("name", "slug", "status", "created_at")
    list_filter = ("status",)
    search_fields = ("name", "slug")
    search_help_text = "Name or slug"
    readonly_fields = ("id", "created_at")
    date_hierarchy = "created_at"
    ordering = ("name",)


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin):
    """To be read only: owners invite. The link is in the mail, and nowhere else."""

    list_display = (
        "created_at",
        "tenant",
        "email",
        "role",
        "invited_by",
        "expires_at",
        "accepted_at",
        "withdrawn_at",
    )
    list_filter = (
        "role",
        ("accepted_at", admin.EmptyFieldListFilter),
        ("withdrawn_at", admin.EmptyFieldListFilter),
    )
    list_select_related = ("tenant", "invited_by")
    search_fields = ("email", "tenant__name", "tenant__slug", "invited_by__email")
    search_help_text = "Whom, tenant, or who invited"
    date_hierarchy = "created_at"
    ordering = ("-created_at", "-id")
    exclude = ("secret_digest",)


@admin.register(BrowserSession)
class BrowserSessionAdmin(ReadOnlyAdmin):
    """To be read only. The key would open the session: it is nowhere here."""

    list_display = ("last_used_at", "user", "browser", "address", "created_at")
    list_select_related = ("user",)
    search_fields = ("user__email", "user__name", "=address")
    search_help_text = "Person, or a whole address"
    date_hierarchy = "last_used_at"
    ordering = ("-last_used_at", "-id")
    exclude = ("session_key",)


@admin.register(AccountChange)
class AccountChangeAdmin(ReadOnlyAdmin):
    """To be read only: what admins changed about their account."""

    list_display = ("at", "tenant", "setting", "before", "after", "by")
    list_filter = ("setting",)
    list_select_related = ("tenant", "by")
    search_fields = ("tenant__name", "tenant__slug", "by__email")
    search_help_text = "Tenant, or who changed it"
    date_hierarchy = "at"
    ordering = ("-at", "-id")


@admin.register(MembershipChange)
class MembershipChangeAdmin(ReadOnlyAdmin):
    """To be read only: what owners did with people and roles."""

    list_display = ("at", "tenant", "kind", "email", "role_before", "role_after", "by_name")
    list_filter = ("kind",)
    list_select_related = ("tenant",)
    search_fields = ("tenant__name", "tenant__slug", "email", "by_name")
    search_help_text = "Tenant, whom it happened to, or who did it"
    date_hierarchy = "at"
    ordering = ("-at", "-id")


@admin.register(LogEntry)
class LogEntryAdmin(ReadOnlyAdmin):
    """To be read only: what staff did in this administration."""

    list_display = ("action_time", "user", "content_type", "object_repr", "action_flag", "change")
    list_filter = ("action_flag", "content_type")
    list_select_related = ("user", "content_type")
    search_fields = ("user__email", "object_repr", "=object_id")
    search_help_text = "Who did it; words or id of what it was done to"
    date_hierarchy = "action_time"
    ordering = ("-action_time", "-id")
    fields = ("action_time", "user", "content_type", "object_id", "object_repr", "change")

    @admin.display(description="what")
    def change(self, entry: LogEntry) -> str:
        return entry.get_change_message()
