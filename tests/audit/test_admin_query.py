"""Django admin's list of calls understands the terms of the portal's Activity page."""

from __future__ import annotations

import html
from datetime import timedelta

import pytest
from django.utils import timezone

from tests.factories.accounts import UserFactory
from tests.factories.audit import failed, make_call, ok

pytestmark = pytest.mark.django_db

LIST = "/admin/audit/toolcall/"


@pytest.fixture
def staff(client):
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    return client


def _shown(client, **query: str) -> set:
    response = client.get(LIST, query)
    assert response.status_code == 200
    return {row.pk for row in response.context["cl"].result_list}


def test_terms_find_calls_of_every_tenant_within_the_time_chosen(staff):
    wrong = make_call(tool="get_pricing", tenant_label="Globex", outcome=failed("not_found"))
    other = make_call(outcome=failed("not_found"))
    old = make_call(at=timezone.now() - timedelta(days=3), outcome=failed("not_found"))
    make_call(outcome=ok())
    assert _shown(staff, q="status:error") == {wrong.pk, other.pk}
    assert _shown(staff, q="code:not_found tool:get_pricing") == {wrong.pk}
    assert _shown(staff, q="status:error", started="all") == {wrong.pk, other.pk, old.pk}
    assert _shown(staff, q="status:error", tool="get_pricing") == {wrong.pk}


def test_a_time_in_the_query_takes_the_place_of_the_last_24_hours(staff):
    old = make_call(at=timezone.now() - timedelta(days=3))
    young = make_call()
    assert _shown(staff, q="tool:search_numbers") == {young.pk}
    assert _shown(staff, q="created:7d") == {young.pk, old.pk}
    assert _shown(staff, q=f"call:{old.pk}") == {old.pk}
    assert _shown(staff, q="created:7d", started="1") == {young.pk}


def test_a_bad_term_is_named_and_finds_nothing(staff):
    make_call()
    response = staff.get(LIST, {"q": "status:eror"})
    assert "“status:eror”: a status is ok, error or running" in html.unescape(
        response.content.decode()
    )
    assert list(response.context["cl"].result_list) == []


def test_words_with_a_colon_that_are_no_terms_are_words(staff):
    row = make_call(token_label="prod: deploy")
    make_call()
    assert _shown(staff, q="prod:") == {row.pk}
