"""Signing in and out, passwords, the account switcher, the theme. Flows are django-allauth's."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from allauth.account import views as allauth_views
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.exceptions import NON_FIELD_ERRORS, PermissionDenied
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from cliqtel_portal.accounts import forms
from cliqtel_portal.accounts.context import THEME_COOKIE, THEMES, settings_tabs
from cliqtel_portal.accounts.http import TENANT_SESSION_KEY, PortalRequest, portal_view
from cliqtel_portal.accounts.models import Membership, User
from cliqtel_portal.accounts.throttle import Usage, address_key, refusal, usage

_YEAR = 365 * 24 * 3600
_FAILURES = "login-failures"


def _failures(request: HttpRequest, account: str, *, count: bool) -> Usage:
    """Wrong passwords for this account from this address.

    Both, so that a stranger elsewhere can't lock a person out, and one address can't try one
    password on a thousand accounts unseen: `RATE_LIMIT_LOGIN` counts that.
    """
    return usage(
        request,
        group=_FAILURES,
        key=f"{account.strip().lower()}|{address_key(request)}",
        rate=settings.RATE_LIMIT_LOGIN_FAILURES,
        count=count,
    )


class LoginView(allauth_views.LoginView):  # type: ignore[misc]
    form_class = forms.LoginForm

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        # AI hosts open sign-in and consent as a popup and wait on window.opener (oauth.md).
        response["Cross-Origin-Opener-Policy"] = "unsafe-none"
        if _next(request).startswith(f"{reverse('oauth-authorize')}?"):
            # Browsers hold form-action against every redirect after the form, and an authorization
            # that needs no answer goes on to the host at once.
            response._csp_replace = {"form-action": None}  # type: ignore[attr-defined]
        return response

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        attempts = usage(
            request,
            group="login",
            key=address_key(request),
            rate=settings.RATE_LIMIT_LOGIN,
            count=True,
        )
        if attempts.is_over:
            return refusal(request, attempts)
        failures = _failures(request, request.POST.get("login", ""), count=False)
        if failures.is_spent:
            return refusal(request, failures)
        response: HttpResponse = super().post(request, *args, **kwargs)
        return response

    def form_invalid(self, form: Form) -> HttpResponse:
        # An empty field or a mistyped address is no guess at a password.
        if form.has_error(NON_FIELD_ERRORS):
            _failures(self.request, form.cleaned_data["login"], count=True)
        response: HttpResponse = super().form_invalid(form)
        return response


class PasswordChangeView(allauth_views.PasswordChangeView):  # type: ignore[misc]
    """Other sessions of the person end: Django ties each to the password's hash."""

    form_class = forms.ChangePasswordForm

    def get_default_success_url(self) -> str:
        """Back to where it was asked for; staff without an account have no Settings."""
        is_member = Membership.objects.live().filter(user_id=str(self.request.user.pk)).exists()
        return reverse("settings-security" if is_member else "account_change_password")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if isinstance(request.user, User) and not request.user.has_usable_password():
            # A first password is set by the mailed link, which proves the address.
            return redirect("account_reset_password")
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return response

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        # An unattended browser must not become a place to guess the password.
        failures = _failures(request, request.user.get_username(), count=False)
        if failures.is_spent:
            return refusal(request, failures)
        response: HttpResponse = super().post(request, *args, **kwargs)
        return response

    def form_invalid(self, form: Form) -> HttpResponse:
        if form.data.get("oldpassword") and form.has_error("oldpassword"):
            _failures(self.request, self.request.user.get_username(), count=True)
        response: HttpResponse = super().form_invalid(form)
        return response


class PasswordResetView(allauth_views.PasswordResetView):  # type: ignore[misc]
    form_class = forms.ResetPasswordForm

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        # Each costs somebody a mail: counted by address, and by mailbox wherever it comes from.
        for key in (address_key(request), request.POST.get("email", "").strip().lower()):
            mails = usage(
                request,
                group="password-reset",
                key=key or "empty",
                rate=settings.RATE_LIMIT_LOGIN_FAILURES,
                count=True,
            )
            if mails.is_over:
                return refusal(request, mails)
        response: HttpResponse = super().post(request, *args, **kwargs)
        return response


class PasswordResetFromKeyView(allauth_views.PasswordResetFromKeyView):  # type: ignore[misc]
    form_class = forms.ResetPasswordKeyForm


def _next(request: HttpRequest) -> str:
    """The page to go back to: ours only, else home."""
    wanted = request.POST.get("next") or request.GET.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if is_ours else "/"


@require_POST
@login_required
def switch_tenant(request: HttpRequest) -> HttpResponse:
    """Later pages are of the tenant with this slug; one that isn't the person's does not exist."""
    membership = (
        Membership.objects.live()
        .filter(user_id=str(request.user.pk), tenant__slug=request.POST.get("tenant", ""))
        .first()
    )
    if membership is None:
        raise Http404
    request.session[TENANT_SESSION_KEY] = str(membership.tenant_id)
    return HttpResponseRedirect(_next(request))


@require_POST
def set_theme(request: HttpRequest) -> HttpResponse:
    """Keep the colours in a cookie, so that the server renders them and nothing flashes."""
    theme = request.POST.get("theme", "")
    if theme not in dict(THEMES):
        return HttpResponse("Unknown theme.", status=HTTPStatus.BAD_REQUEST)
    response = HttpResponseRedirect(_next(request))
    if theme == "system":
        response.delete_cookie(THEME_COOKIE, samesite="Lax")
    else:
        response.set_cookie(
            THEME_COOKIE,
            theme,
            max_age=_YEAR,
            samesite="Lax",
            httponly=True,
            secure=settings.SESSION_COOKIE_SECURE,
        )
    return response


def admin_login(request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
    """One door for everybody, with one set of limits. Signed in but no staff: not permitted."""
    if request.user.is_authenticated:
        if not request.user.is_staff:
            raise PermissionDenied
        return redirect("admin:index")
    target = request.GET.get("next") or reverse("admin:index")
    return redirect(f"{reverse('account_login')}?{urlencode({'next': target})}")


@require_safe
@portal_view()
def settings_home(request: PortalRequest) -> HttpResponse:
    """The first page of Settings that the role may see."""
    tabs = settings_tabs(request.membership.role)
    if not tabs:
        raise Http404
    return redirect(tabs[0].path)
