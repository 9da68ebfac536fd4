"""Settings → Profile and Security: one's own name, address, password and browsers."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.html import format_html
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cliqtel_portal.accounts.http import PortalRequest, portal_view
from cliqtel_portal.accounts.mails import send_email_change, send_email_changed
from cliqtel_portal.accounts.models import User
from cliqtel_portal.accounts.passwords import confirm_password
from cliqtel_portal.accounts.services import profile as profiles
from cliqtel_portal.accounts.services import sessions
from cliqtel_portal.accounts.settings_forms import EmailForm, NameForm, tell
from cliqtel_portal.accounts.throttle import refusal, usage
from cliqtel_portal.errors import NotFound, PortalError


@require_http_methods(["GET", "HEAD", "POST"])
@portal_view()
def profile(request: PortalRequest) -> HttpResponse:
    form = NameForm(
        request.POST if request.method == "POST" else None, initial={"name": request.user.name}
    )
    if request.method == "POST" and form.is_valid():
        try:
            profiles.rename(request.user, name=form.cleaned_data["name"])
        except PortalError as error:
            tell(form, error)
        else:
            messages.success(request, "Your name is saved.")
            return redirect("settings-profile")
    return render(
        request, "settings/profile.html", {"form": form}, status=400 if form.errors else 200
    )


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
@portal_view()
def email(request: PortalRequest) -> HttpResponse:
    """Asks for another address. It is the person's once the mail's link is followed."""
    form = EmailForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            confirm_password(
                request,
                request.user,
                form.cleaned_data["password"],
                outcome="Your address stays as it is.",
            )
            change = profiles.ask_for_email_change(request.user, email=form.cleaned_data["email"])
        except PortalError as error:
            tell(form, error)
        else:
            mails = usage(
                request,
                group="invited-mailbox",
                key=change.email,
                rate=settings.RATE_LIMIT_INVITED_MAILBOX,
                count=True,
            )
            if mails.is_over:
                return refusal(request, mails)
            _tell_of_mail(request, change.email, was_sent=send_email_change(change))
            return redirect("settings-profile")
    return render(
        request, "settings/email.html", {"form": form}, status=400 if form.errors else 200
    )


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def confirm_email(request: HttpRequest, token: str) -> HttpResponse:
    """What the link in the mail opens: a question, since scanners of mail open every link."""
    assert isinstance(request.user, User), "login_required"
    try:
        address = profiles.email_of_token(request.user, token)
        if request.method != "POST":
            return render(request, "account/email_confirm.html", {"email": address})
        former = profiles.confirm_email_change(request.user, token=token)
    except profiles.EmailChangeGone as error:
        return render(request, "account/email_gone.html", {"error": error}, status=410)
    request.user.email = address
    send_email_changed(request.user, former)
    messages.success(request, f"From now on you sign in as {address}.")
    return redirect("home")


@require_safe
@portal_view()
def security(request: PortalRequest) -> HttpResponse:
    return render(
        request,
        "settings/security.html",
        {"sessions": sessions.sessions_of(request.user), "here": request.session.session_key},
    )


@require_POST
@portal_view()
def sign_out(request: PortalRequest, session_id: uuid.UUID) -> HttpResponse:
    try:
        ended = sessions.end_session(request.user, session_id)
    except NotFound as error:
        raise Http404 from error
    messages.success(request, f"{ended.browser} is signed out.")
    return redirect("settings-security")


@require_POST
@portal_view()
def sign_out_others(request: PortalRequest) -> HttpResponse:
    ended = sessions.end_other_sessions(request.user, keep=request.session.session_key)
    if ended:
        count = f"{ended} other browser{'' if ended == 1 else 's'}"
        messages.success(request, f"Signed out of {count}.")
    else:
        messages.info(request, "You are signed in nowhere else.")
    return redirect("settings-security")


def _tell_of_mail(request: HttpRequest, address: str, *, was_sent: bool) -> None:
    if was_sent:
        messages.success(
            request,
            format_html(
                "A mail with a link is on its way to <bdi>{}</bdi>. "
                "Your address changes when you follow it, within a day.",
                address,
            ),
        )
    else:
        messages.warning(
            request, "The mail could not be sent; your address stays as it is. Try again later."
        )
