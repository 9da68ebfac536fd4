"""Exports from the Activity page: the filter's rows, and nobody else's."""

from __future__ import annotations

import pytest
from django.test import Client

from audit.models import Export
from cliqtel_portal.accounts.models import Membership
from tests.audit.exports import body_of, csv_rows
from tests.factories.accounts import MembershipFactory
from tests.factories.audit import failed, make_call, ok

pytestmark = pytest.mark.django_db

URL = "/numbers/ai-access/activity/"


def _post(person: Membership, query: str = "", file_format: str = "csv"):
    client = Client()
    client.force_login(person.user)
    return client.post(f"{URL}export/", {"q": query, "format": file_format})


def _ids(response) -> set[str]:
    return {row["id"] for row in csv_rows(body_of(response))}


def _call(person: Membership, **fields) -> str:
    row = make_call(tenant_id=person.tenant_id, user_id=person.user_id, **fields)
    return str(row.pk)


def test_the_rows_are_those_of_the_filter_and_of_who_may_see_them(alice, bob, mallory):
    hers = _call(alice, tool="whoami", outcome=ok())
    his = _call(bob, tool="get_pricing", outcome=failed("not_found"))
    theirs = _call(mallory, tool="whoami", outcome=ok())
    assert _ids(_post(alice)) == {hers, his}
    assert _ids(_post(bob)) == {his}
    assert _ids(_post(mallory)) == {theirs}
    assert _ids(_post(alice, "tool:whoami")) == {hers}
    assert _ids(_post(alice, "status:error code:not_found created:today")) == {his}
    assert _ids(_post(alice, f"user:{bob.user.email}")) == {his}
    assert _ids(_post(alice, "client:claude* token:Laptop")) == {hers, his}
    assert _ids(_post(bob, f"user:{alice.user.email}")) == set()
    assert _ids(_post(mallory, f"call:{hers}")) == set()
    assert set(Export.objects.values_list("tenant_id", flat=True)) == {
        alice.tenant_id,
        mallory.tenant_id,
    }


def test_a_filter_that_can_not_be_read_exports_nothing(alice):
    _call(alice)
    for query, file_format in (("colour:red", "csv"), ("", "pdf")):
        response = _post(alice, query, file_format)
        assert response.status_code == 302
        assert response["Location"].startswith(URL)
    assert not Export.objects.exists()


def test_viewers_strangers_and_links_export_nothing(alice, acme):
    _call(alice)
    assert _post(MembershipFactory(tenant=acme, role="viewer")).status_code == 403
    assert Client().post(f"{URL}export/", {"format": "csv"}).status_code == 302
    client = Client()
    client.force_login(alice.user)
    assert client.get(f"{URL}export/").status_code == 405
    assert not Export.objects.exists()


def test_the_page_offers_the_export_of_what_it_shows(alice):
    client = Client()
    client.force_login(alice.user)
    assert "activity/export/" not in client.get(URL).content.decode(), "there is nothing yet"
    _call(alice, tool="whoami")
    page = client.get(URL, {"q": "tool:whoami"}).content.decode()
    assert f'action="{URL}export/"' in page
    assert '<input type="hidden" name="q" value="tool:whoami">' in page
    assert f'href="{URL}exports/"' in page
