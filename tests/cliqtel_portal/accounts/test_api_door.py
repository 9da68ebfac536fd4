"""The door of the REST API, whatever the view behind it does."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import path
from pytest_django import Settings
from rest_framework.response import Response

from cliqtel_portal import formats
from cliqtel_portal.accounts.api import PortalAPIView
from cliqtel_portal.accounts.models import Membership

pytestmark = pytest.mark.django_db


class _Echo(PortalAPIView):
    def get(self, request: Any) -> Response:
        if "boom" in request.query_params:
            raise RuntimeError("boom")
        return Response({"written_as": formats.current().code})


urlpatterns = [path("api/v1/echo/", _Echo.as_view())]
handler404 = "cliqtel_portal.error_pages.page_not_found"
handler500 = "cliqtel_portal.error_pages.server_error"


@pytest.mark.parametrize(("query", "status"), [({}, 200), ({"boom": "1"}, 500)])
def test_the_form_of_an_account_ends_with_its_request(
    client: Client, alice: Membership, settings: Settings, query: dict[str, str], status: int
) -> None:
    """Left behind by a crash, it would be the next account's, whose request has the thread."""
    alice.tenant.number_format = "de-DE"
    alice.tenant.save()
    settings.ROOT_URLCONF = __name__
    client.raise_request_exception = False
    client.force_login(alice.user)

    response = client.get("/api/v1/echo/", query)

    assert response.status_code == status
    assert response.json().get("written_as") == ("de-DE" if status == 200 else None)
    assert formats.current() is formats.DEFAULT
