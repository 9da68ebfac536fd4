"""The request that a signed-in person's page gets, and the door before it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, Protocol

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import Resolver404, resolve

from cliqtel_portal import formats
from cliqtel_portal.accounts.models import Membership, Tenant, User
from cliqtel_portal.accounts.permissions import may_read_portal
from cliqtel_portal.network import address_from

TENANT_SESSION_KEY = "tenant_id"

_Params = ParamSpec("_Params")


class PortalRequest(HttpRequest):
    """A request of a person in one of their tenants. `memberships` are all of theirs that live."""

    user: User
    membership: Membership
    memberships: list[Membership]
    tenant: Tenant


class SessionData(Protocol):
    """A session, or what is stored of one."""

    def get(self, key: str, /) -> Any: ...


def choose_membership(session: SessionData, memberships: list[Membership]) -> Membership | None:
    """Return the membership of the tenant that was last switched to, else the first."""
    wanted = session.get(TENANT_SESSION_KEY)
    for membership in memberships:
        if str(membership.tenant_id) == wanted:
            return membership
    return memberships[0] if memberships else None


def enter_tenant(request: HttpRequest) -> Membership | None:
    """The request of this signed-in person is a `PortalRequest`; None: no tenant lets them in."""
    memberships = list(
        Membership.objects.live()
        .filter(user_id=str(request.user.pk))
        .select_related("tenant")
        .order_by("tenant__name")
    )
    membership = choose_membership(request.session, memberships)
    if membership is not None:
        membership.user = request.user  # type: ignore[assignment]
        request.membership = membership  # type: ignore[attr-defined]
        request.memberships = memberships  # type: ignore[attr-defined]
        request.tenant = membership.tenant  # type: ignore[attr-defined]
    return membership


def portal_view(
    may: Callable[[str], bool] = may_read_portal,
) -> Callable[
    [Callable[Concatenate[PortalRequest, _Params], HttpResponseBase]],
    Callable[Concatenate[HttpRequest, _Params], HttpResponseBase],
]:
    """Let in signed-in people of a live tenant whose role satisfies `may`; others get a page."""

    def decorate(
        view: Callable[Concatenate[PortalRequest, _Params], HttpResponseBase],
    ) -> Callable[Concatenate[HttpRequest, _Params], HttpResponseBase]:
        @login_required
        @functools.wraps(view)
        def inner(
            request: HttpRequest, /, *args: _Params.args, **kwargs: _Params.kwargs
        ) -> HttpResponseBase:
            membership = enter_tenant(request)
            if membership is None:
                return render(request, "accounts/no_tenant.html", status=403)
            if not may(membership.role):
                return render(request, "accounts/not_permitted.html", status=403)
            with formats.written_as(membership.tenant.number_format):
                return view(request, *args, **kwargs)  # type: ignore[arg-type]

        inner.may = may  # type: ignore[attr-defined]
        return inner

    return decorate


def may_open(path: str, role: str) -> bool:
    """Whether there is a page at this path, and `portal_view` lets this role in."""
    try:
        view = resolve(path).func
    except Resolver404:
        return False
    return bool(getattr(view, "may", may_read_portal)(role))


def client_address(request: HttpRequest) -> str:
    """The peer's address, through as many proxies as settings.TRUSTED_PROXIES says."""
    return address_from(
        request.META.get("REMOTE_ADDR") or "", request.META.get("HTTP_X_FORWARDED_FOR", "")
    )
