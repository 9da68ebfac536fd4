"""A page with every component of the design system, and each error page, for the browser tests."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template import engines
from django.urls import include, path
from django.utils import timezone

from cliqtel_portal.accounts.http import PortalRequest, portal_view

_TEMPLATE = Path(__file__).with_name("sample_page.html")


@portal_view()
def sample(request: PortalRequest) -> HttpResponse:
    now = timezone.now()
    context = {
        "price": Decimal("1.5"),
        "earlier": now - timedelta(minutes=4, seconds=5),
        "soon": now + timedelta(days=6, hours=1),
    }
    return HttpResponse(
        engines["django"].from_string(_TEMPLATE.read_text()).render(context, request)
    )


def told(request: HttpRequest, status: int, name: str) -> HttpResponse:
    """An error page as its handler would answer with it; the one of crashes knows no request."""
    return render(None if status == 500 else request, f"{name}.html", status=status)


urlpatterns = [
    path("told/<int:status>/<str:name>/", told),
    path("", sample),
    path("numbers/", sample),
    path("numbers/ai-access/", sample),
    path("numbers/ai-access/tokens/", sample),
    path("callflows/", sample),
    path("trunks/", sample),
    path("docs/", sample),
    path("", include("cliqtel_portal.urls")),
]
