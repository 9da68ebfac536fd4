"""What AI hosts lose when their person leaves an account, and what they keep elsewhere."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.accounts.services import members
from cliqtel_portal.errors import NotPermitted
from mcp_access.departures import end_access
from mcp_access.models import AccessToken, Consent, Grant, RefreshToken
from mcp_access.services import issue_token
from tests.factories.accounts import MembershipFactory
from tests.factories.mcp_access import make_token
from tests.factories.oauth import make_application
from tests.mcp_access.oauth.connected import connect

pytestmark = pytest.mark.django_db


def code_of(consent: Consent) -> Grant:
    """Allowed, and not fetched by the app yet."""
    return Grant.objects.create(
        tenant=consent.tenant,
        user=consent.user,
        application=consent.application,
        code=consent.pk.hex * 2,
        expires=timezone.now() + timedelta(seconds=60),
        redirect_uri=consent.redirect_uri,
        scope=consent.scope,
        resource=[],
    )


def live(rows: Any) -> set[tuple[Any, Any]]:
    """Whose of these go on: person and account."""
    revoked = "revoked" if rows is RefreshToken else "revoked_at"
    found = rows.objects.filter(**{f"{revoked}__isnull": True})
    return set(found.values_list("user_id", "tenant_id"))


def test_who_leaves_takes_every_app_and_token_of_that_account_along(
    alice: Membership, bob: Membership
) -> None:
    elsewhere = MembershipFactory(user=bob.user, role="member")
    shared = make_application("Shared")
    gone = [connect(bob, "Two sessions", live=2), connect(bob, application=shared)]
    kept = [connect(alice, application=shared), connect(elsewhere, application=shared)]
    for consent in (*gone, *kept):
        code_of(consent)
    make_token(bob)
    static, _ = make_token(elsewhere)

    end_access(bob, by=alice.user)
    end_access(bob, by=alice.user)

    others = {(alice.user_id, alice.tenant_id), (bob.user_id, elsewhere.tenant_id)}
    assert live(RefreshToken) == live(AccessToken) == live(Consent) == others
    assert set(Grant.objects.values_list("user_id", "tenant_id")) == others
    static.refresh_from_db()
    assert static.revoked_at is None
    assert RefreshToken.objects.count() == 5, "kept, as the log names them"


def test_a_token_asked_for_before_the_removal_is_not_made_after_it(
    alice: Membership, bob: Membership
) -> None:
    """Else it would work on the day that the person is invited again."""
    before = Membership.objects.select_related("tenant", "user").get(pk=bob.pk)
    members.remove_member(alice, bob.pk)
    with pytest.raises(NotPermitted):
        issue_token(before, name="Late", scopes=["mcp.docs.read"])
    assert not AccessToken.objects.exists()
