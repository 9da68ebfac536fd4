"""Connected apps that nobody uses any more."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from cliqtel_portal.accounts.models import Membership
from mcp_access.models import AccessToken
from tests.factories.oauth import make_session
from tests.mcp_access.oauth.connected import URL, connect, page_of

pytestmark = pytest.mark.django_db


def test_apps_that_nobody_used_for_long_are_listed_by_themselves(
    alice: Membership, bob: Membership
) -> None:
    long_ago = timezone.now() - timedelta(days=70)
    connect(alice, "Left alone", live=0, first_at=long_ago, last_at=long_ago)
    connect(alice, "Gone", live=0, first_at=long_ago, last_at=long_ago, revoked_at=long_ago)
    connect(alice, "New")
    renewed = connect(alice, "Still used", live=0, first_at=long_ago, last_at=long_ago)
    session = make_session(alice, renewed.application)
    AccessToken.objects.filter(pk=session.access_token_id).update(last_used_at=timezone.now())
    connect(bob, "Of bob", live=0, first_at=long_ago, last_at=long_ago)

    page = page_of(alice, f"{URL}?show=unused")

    assert "Left alone" in page
    assert "Of bob" in page
    for name in ("Gone", ">New<", "Still used"):
        assert name not in page
    assert "Left alone" not in page_of(bob, f"{URL}?show=unused")
    assert "Not used for 60 days" in page_of(alice)


def test_none_left_alone_says_so(alice: Membership) -> None:
    connect(alice, "New")

    assert "Every app was used lately" in page_of(alice, f"{URL}?show=unused")
    assert "Not used for 60 days" not in page_of(alice)
