"""Taking scopes from a token: which stay, and the deed."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from cliqtel_portal.accounts.http import PortalRequest, portal_view
from cliqtel_portal.accounts.permissions import may_use_ai_access
from cliqtel_portal.errors import InvalidArguments, NotFound
from mcp_access import narrowing, services
from mcp_access.services import TokenNotLive
from mcp_access.views import scopes, token_use


@require_http_methods(["GET", "HEAD", "POST"])
@portal_view(may_use_ai_access)
def token_trim(request: PortalRequest, token_id: uuid.UUID) -> HttpResponse:
    """The question with what was used ticked, and on POST the deed."""
    try:
        token = services.get_visible_token(request.membership, token_id)
    except NotFound as error:
        raise Http404 from error
    if token.state in {"revoked", "expired"}:
        messages.info(request, f"“{token.name}” is over, so it has no scope to lose.")
        return redirect("mcp_access:token-detail", token_id)
    problems: list[str] = []
    kept = request.POST.getlist("scopes")
    if request.method == "POST":
        try:
            lost = narrowing.narrow_token(request.membership, token_id, keep=kept)
        except InvalidArguments as error:
            problems = [problem.message for problem in error.problems]
        except TokenNotLive as error:
            messages.error(request, error.message)
            return redirect("mcp_access:token-detail", token_id)
        else:
            _tell(request, token.name, len(lost))
            return redirect("mcp_access:token-detail", token_id)
    use = token_use.use_of(token)
    context = {
        "token": token,
        "use": use,
        "lines": scopes.lines(request.membership, token.scope.split(), used=use.calls_of),
        "kept": kept if problems else use.used_scopes or token.scope.split(),
        "problems": problems,
    }
    return render(request, "mcp_access/token_trim.html", context)


def _tell(request: PortalRequest, name: str, count: int) -> None:
    if count:
        scopes_lost = f"{count} scope{'' if count == 1 else 's'}"
        messages.success(request, f"Removed {scopes_lost} from “{name}”, from its next call on.")
    else:
        messages.info(request, f"“{name}” keeps all its scopes: none was left out.")
