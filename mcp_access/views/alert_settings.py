"""`/settings/alerts/`: the tenant's own webhook on Slack. Its address is never shown again."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST

from audit import slack, webhooks
from cliqtel_portal.accounts.http import PortalRequest, portal_view
from cliqtel_portal.accounts.permissions import may_edit_policies
from cliqtel_portal.errors import InvalidArguments, NotFound
from mcp_access.forms import WebhookForm

_PAGE = "alert-settings:webhook"


@sensitive_variables("form", "url")
@sensitive_post_parameters("url")
@require_http_methods(["GET", "HEAD", "POST"])
@portal_view(may_edit_policies)
def webhook(request: PortalRequest) -> HttpResponse:
    form = WebhookForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        url = form.cleaned_data["url"]
        try:
            webhooks.check(url)
            webhooks.set_webhook(request.membership, url=url)
        except InvalidArguments as error:
            for problem in error.problems:
                form.add_error(problem.field, problem.message)
        else:
            messages.success(request, "Saved. Alerts go to this webhook from now on.")
            return redirect(_PAGE)
    return render(
        request,
        "settings/alerts.html",
        {
            "form": form,
            "webhook": webhooks.webhook_of(request.tenant),
            "is_readable": bool(webhooks.url_of(request.tenant)),
            "sent": slack.messages_to(request.tenant),
        },
        status=422 if form.errors else 200,
    )


@require_POST
@portal_view(may_edit_policies)
def webhook_test(request: PortalRequest) -> HttpResponse:
    try:
        slack.send_test(request.membership)
    except NotFound as error:
        messages.error(request, error.message)
    else:
        messages.info(request, "A test message is on its way. Reload to see what came of it.")
    return redirect(_PAGE)


@require_http_methods(["GET", "HEAD", "POST"])
@portal_view(may_edit_policies)
def webhook_remove(request: PortalRequest) -> HttpResponse:
    """The question, and on POST the deed."""
    found = webhooks.webhook_of(request.tenant)
    if found is None:
        messages.info(request, "There is no webhook any more.")
        return redirect(_PAGE)
    if request.method != "POST":
        return render(request, "settings/alerts_remove.html", {"webhook": found})
    webhooks.remove_webhook(request.membership)
    messages.success(request, "Removed. Alerts are still told in the portal.")
    return redirect(_PAGE)
