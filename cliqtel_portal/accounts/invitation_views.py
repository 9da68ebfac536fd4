"""The page that an invitation's link opens. Looking uses nothing up; accepting does."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from cliqtel_portal.accounts.http import TENANT_SESSION_KEY
from cliqtel_portal.accounts.models import Invitation, Membership, User
from cliqtel_portal.accounts.services import invitations
from cliqtel_portal.accounts.settings_forms import NewPersonForm, tell
from cliqtel_portal.accounts.throttle import address_key, refusal, usage
from cliqtel_portal.errors import PortalError

_STATUS = {"unknown": 404}  # the others were here: 410


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, secret: str) -> HttpResponse:
    try:
        found = invitations.find_invitation(secret)
        if isinstance(request.user, User):
            return _of_signed_in(request, request.user, found, secret)
        if invitations.has_account(found):
            return _page(request, "account/invitation_sign_in.html", found, next=request.path)
        return _of_newcomer(request, found, secret)
    except invitations.InvitationGone as error:
        return render(
            request,
            "account/invitation_gone.html",
            {"error": error},
            status=_STATUS.get(error.reason, 410),
        )


def _of_signed_in(request: HttpRequest, user: User, found: Invitation, secret: str) -> HttpResponse:
    if request.method == "POST":
        try:
            return _enter(request, invitations.accept(secret, user=user))
        except invitations.SomebodyElse:
            pass
    if user.email.lower() != found.email:
        return _page(
            request,
            "account/invitation_other.html",
            found,
            status=403 if request.method == "POST" else 200,
            next=request.path,
        )
    return _page(request, "account/invitation_join.html", found)


def _of_newcomer(request: HttpRequest, found: Invitation, secret: str) -> HttpResponse:
    form = NewPersonForm(request.POST if request.method == "POST" else None)
    if request.method == "POST":
        # Hashing a password is work.
        attempts = usage(
            request,
            group="invitation",
            key=address_key(request),
            rate=settings.RATE_LIMIT_LOGIN,
            count=True,
        )
        if attempts.is_over:
            return refusal(request, attempts)
        if form.is_valid():
            try:
                membership = invitations.accept_as_new_person(
                    secret,
                    name=form.cleaned_data["name"],
                    password=form.cleaned_data["password"],
                )
            except invitations.InvitationGone:
                raise
            except invitations.AccountExists:
                return redirect(f"{reverse('account_login')}?{urlencode({'next': request.path})}")
            except PortalError as error:
                tell(form, error)
            else:
                login(request, membership.user, backend=settings.AUTHENTICATION_BACKENDS[0])
                return _enter(request, membership)
    return _page(
        request,
        "account/invitation_new.html",
        found,
        status=400 if form.errors else 200,
        form=form,
    )


def _enter(request: HttpRequest, membership: Membership) -> HttpResponse:
    request.session[TENANT_SESSION_KEY] = str(membership.tenant_id)
    messages.success(
        request,
        f"You are in {membership.tenant.name} as {membership.get_role_display().lower()}.",
    )
    return redirect("home")


def _page(
    request: HttpRequest, template: str, found: Invitation, *, status: int = 200, **context: Any
) -> HttpResponse:
    return render(request, template, {"invitation": found, **context}, status=status)
