"""A trunk's SIP password, in the answer to a person who has just typed their own, and only there:
not in a session, an address or a cache."""

from __future__ import annotations

import uuid

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from cliqtel_portal.accounts.http import PortalRequest, client_address, portal_view
from cliqtel_portal.accounts.passwords import confirm_password
from cliqtel_portal.accounts.permissions import may_see_trunk_passwords
from cliqtel_portal.errors import PortalError
from cliqtel_portal.trunks.forms import RevealForm
from cliqtel_portal.trunks.reveals import reveal_password
from cliqtel_portal.trunks.views import detail_page, trunk_or_404


@sensitive_variables("own", "secret")
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
@portal_view(may_see_trunk_passwords)
def password(request: PortalRequest, trunk_id: uuid.UUID) -> HttpResponse:
    """Shown once. Who opens the address, or comes back to it, has to ask again."""
    trunk = trunk_or_404(request, trunk_id)
    if request.method != "POST":
        return redirect(f"{reverse('trunks:detail', args=[trunk.pk])}#password")
    form = RevealForm(request.POST)
    if not form.is_valid():
        return detail_page(request, trunk, reveal_form=form, status=422)
    own = form.cleaned_data["password"]
    try:
        confirm_password(request, request.user, own, outcome="No SIP password was shown.")
        secret = reveal_password(
            request.membership, trunk_id=trunk.pk, address=client_address(request)
        )
    except PortalError as error:
        form.add_error("password", error.message)
        return detail_page(request, trunk, reveal_form=form, status=422)
    response = render(request, "trunks/password.html", {"trunk": trunk, "secret": secret})
    response["Cache-Control"] = "no-store"
    return response
