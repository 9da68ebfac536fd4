"""The door of the REST API: the portal's own pages, in a signed-in person's browser."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from drf_spectacular.authentication import SessionScheme
from rest_framework.views import APIView

from cliqtel_portal import formats
from cliqtel_portal.accounts.http import enter_tenant
from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.accounts.permissions import may_read_portal
from cliqtel_portal.api_errors import NotPermittedHere


class PortalAPIView(APIView):  # type: ignore[misc]
    """What `portal_view` is to pages: the person is in a live tenant, and `may` allows the role."""

    may: Callable[[str], bool] = staticmethod(may_read_portal)
    _written: ExitStack

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        # Here, since a handler's crash leaves by no other door of the view.
        with ExitStack() as self._written:
            return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Any, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        membership = enter_tenant(request._request)
        if membership is None:
            raise NotPermittedHere("no_tenant", "You are a member of no account that is open.")
        if not self.may(membership.role):
            raise NotPermittedHere("not_permitted", "Your role does not allow this.")
        # What is for people in an answer reads as on their pages.
        self._written.enter_context(formats.written_as(membership.tenant.number_format))

    @property
    def member(self) -> Membership:
        found: Membership = self.request._request.membership
        return found

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        final = super().finalize_response(request, response, *args, **kwargs)
        final.headers.setdefault("Cache-Control", "no-store")
        return final


class BrowserSessionScheme(SessionScheme):  # type: ignore[no-untyped-call]
    """How the OpenAPI document names our door: the library finds it by being imported."""

    target_class = "cliqtel_portal.api_requests.BrowserSession"
    name = "session"
