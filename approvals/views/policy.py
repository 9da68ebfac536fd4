"""`/settings/approvals/`: who decides what."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from approvals.actions import ACTIONS
from approvals.forms import PolicyForm
from approvals.models import Policy, PolicyChange
from approvals.policies import terms_by_action
from approvals.policy_changes import as_json, set_policy
from approvals.policy_words import differences, lines_of
from cliqtel_portal.accounts.http import PortalRequest, portal_view
from cliqtel_portal.accounts.permissions import may_edit_policies
from cliqtel_portal.errors import InvalidArguments

_LAST_CHANGES = 50


@require_safe
@portal_view()
def policy_list(request: PortalRequest) -> HttpResponse:
    terms = terms_by_action(request.tenant, ACTIONS)
    own = {
        policy.action: policy
        for policy in Policy.objects.for_tenant(request.tenant).select_related("updated_by")
    }
    currency = request.tenant.currency
    rows = [
        {
            "action": action,
            "title": title,
            "policy": own.get(action),
            "lines": lines_of(action, as_json(terms[action]), currency),
        }
        for action, title in ACTIONS.items()
    ]
    context = {
        "rows": rows,
        "may_edit": may_edit_policies(request.membership.role),
    }
    return render(request, "settings/approvals.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@portal_view()
def policy_edit(request: PortalRequest, action: str) -> HttpResponse:
    """Everybody reads; who may not edit gets the refusal of the service."""
    if action not in ACTIONS:
        raise Http404
    may_edit = may_edit_policies(request.membership.role)
    if request.method == "POST" and not may_edit:
        return render(request, "accounts/not_permitted.html", status=403)
    currency = request.tenant.currency
    terms = terms_by_action(request.tenant, [action])[action]
    form = PolicyForm(
        request.POST if request.method == "POST" else None,
        action=action,
        terms=terms,
        currency=currency,
    )
    if form.is_bound and form.is_valid():
        try:
            set_policy(request.membership, action=action, **form.arguments())
        except InvalidArguments as error:
            form.add_problems(error)
        else:
            messages.success(
                request, f"Saved. It holds for what waits already, too: {ACTIONS[action]}."
            )
            return redirect("approval-policy:edit", action)
    return render(
        request,
        "settings/approval_policy.html",
        {
            "action": action,
            "title": ACTIONS[action],
            "form": form,
            "may_edit": may_edit,
            "lines": lines_of(action, as_json(terms), currency),
            "changes": [
                (change, differences(action, change.before, change.after, currency))
                for change in PolicyChange.objects.for_tenant(request.tenant)
                .filter(action=action)
                .newest_first()[:_LAST_CHANGES]
            ],
        },
        status=422 if form.errors else 200,
    )
