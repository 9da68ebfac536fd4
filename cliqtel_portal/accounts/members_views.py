"""Settings → Members: who is in the account, as what, and who is invited."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods, require_POST

from cliqtel_portal.accounts.change_models import MembershipChange
from cliqtel_portal.accounts.http import PortalRequest, portal_view
from cliqtel_portal.accounts.mails import send_invitation
from cliqtel_portal.accounts.models import Invitation, Membership
from cliqtel_portal.accounts.permissions import (
    may_manage_members,
    may_read_portal,
    may_see_members,
)
from cliqtel_portal.accounts.services import invitations, members
from cliqtel_portal.accounts.settings_forms import InvitationForm, RoleForm, tell
from cliqtel_portal.accounts.throttle import refusal, usage
from cliqtel_portal.errors import NotFound, PortalError

_CHANGES_SHOWN = 30


@require_http_methods(["GET", "HEAD", "POST"])
@portal_view(may_see_members)
def member_list(request: PortalRequest) -> HttpResponse:
    may_manage = may_manage_members(request.membership.role)
    form = InvitationForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        email = form.cleaned_data["email"]
        if (refused := _too_many_mails(request, email)) is not None:
            return refused
        try:
            issued = invitations.invite(
                request.membership, email=email, role=form.cleaned_data["role"]
            )
        except PortalError as error:
            tell(form, error)
        else:
            _mail(request, issued)
            return redirect("settings-members")
    tenant = request.tenant
    return render(
        request,
        "settings/members.html",
        {
            "form": form,
            "members": members.members_of(tenant),
            "invitations": Invitation.objects.for_tenant(tenant)
            .open()
            .select_related("invited_by")
            .order_by("-sent_at"),
            "changes": MembershipChange.objects.for_tenant(tenant).order_by("-at", "-id")[
                :_CHANGES_SHOWN
            ],
            "may_manage": may_manage,
        },
        status=(400 if may_manage else 403) if form.errors else 200,
    )


@require_http_methods(["GET", "HEAD", "POST"])
@portal_view(may_manage_members)
def member_detail(request: PortalRequest, membership_id: uuid.UUID) -> HttpResponse:
    """One person's role, and the way to take them out."""
    person = _member_or_404(request, membership_id)
    form = RoleForm(
        request.POST if request.method == "POST" else None, initial={"role": person.role}
    )
    if request.method == "POST" and form.is_valid():
        try:
            changed = members.change_role(
                request.membership, person.pk, role=form.cleaned_data["role"]
            )
        except NotFound as error:
            raise Http404 from error
        except PortalError as error:
            tell(form, error)
        else:
            messages.success(
                request,
                f"{person.user.display_name} is {changed.get_role_display().lower()} from now on.",
            )
            return redirect("settings-members")
    return render(
        request,
        "settings/member.html",
        {"person": person, "form": form, "is_own": person.pk == request.membership.pk},
        status=400 if form.errors else 200,
    )


@require_http_methods(["GET", "HEAD", "POST"])
@portal_view(may_manage_members)
def member_remove(request: PortalRequest, membership_id: uuid.UUID) -> HttpResponse:
    """The question, and on POST the deed."""
    person = _member_or_404(request, membership_id)
    if request.method != "POST":
        return render(request, "settings/member_remove.html", {"person": person})
    try:
        members.remove_member(request.membership, person.pk)
    except NotFound as error:
        raise Http404 from error
    except PortalError as error:
        messages.error(request, error.message)
        return redirect("settings-member", person.pk)
    messages.success(
        request,
        f"{person.user.display_name} is out of the account. "
        "Their pages are closed, their tokens and apps stopped.",
    )
    return redirect("settings-members")


@require_http_methods(["GET", "HEAD", "POST"])
@portal_view(may_read_portal)
def leave(request: PortalRequest) -> HttpResponse:
    """The question, and on POST the deed."""
    if request.method != "POST":
        return render(request, "settings/leave.html")
    try:
        left = members.leave(request.membership)
    except PortalError as error:
        messages.error(request, error.message)
        return redirect("settings-leave")
    messages.success(request, f"You are out of {left.tenant.name}.")
    return redirect("home")


@require_POST
@portal_view(may_manage_members)
def invitation_resend(request: PortalRequest, invitation_id: uuid.UUID) -> HttpResponse:
    found = Invitation.objects.for_tenant(request.tenant).open().filter(pk=invitation_id).first()
    if found is None:
        raise Http404
    if (refused := _too_many_mails(request, found.email)) is not None:
        return refused
    try:
        _mail(request, invitations.resend(request.membership, invitation_id))
    except NotFound as error:
        raise Http404 from error
    except PortalError as error:
        messages.error(request, " ".join(one.message for one in error.problems) or error.message)
    return redirect("settings-members")


@require_POST
@portal_view(may_manage_members)
def invitation_withdraw(request: PortalRequest, invitation_id: uuid.UUID) -> HttpResponse:
    try:
        withdrawn = invitations.withdraw(request.membership, invitation_id)
    except NotFound as error:
        raise Http404 from error
    except PortalError as error:
        messages.error(request, error.message)
    else:
        messages.success(
            request, f"The invitation of {withdrawn.email} is withdrawn. Its link is dead."
        )
    return redirect("settings-members")


def _member_or_404(request: PortalRequest, membership_id: uuid.UUID) -> Membership:
    try:
        return members.get_member(request.tenant, membership_id)
    except NotFound as error:
        raise Http404 from error


def _too_many_mails(request: PortalRequest, email: str) -> HttpResponse | None:
    """Each costs somebody a mail: counted by account, and by mailbox whoever sends them."""
    for group, key, rate in (
        ("invitations", str(request.tenant.pk), settings.RATE_LIMIT_INVITATIONS),
        ("invited-mailbox", email.lower(), settings.RATE_LIMIT_INVITED_MAILBOX),
    ):
        mails = usage(request, group=group, key=key, rate=rate, count=True)
        if mails.is_over:
            return refusal(request, mails)
    return None


def _mail(request: PortalRequest, issued: invitations.Issued) -> None:
    invitation = issued.invitation
    if send_invitation(issued):
        messages.success(
            request,
            format_html(
                "A mail with a link is on its way to <bdi>{}</bdi>. It works once, for a week.",
                invitation.email,
            ),
        )
    else:
        messages.warning(
            request,
            format_html(
                "<bdi>{}</bdi> is invited, but the mail could not be sent. Send it again later.",
                invitation.email,
            ),
        )
