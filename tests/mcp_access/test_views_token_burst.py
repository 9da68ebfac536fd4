"""A token's own limit, set on its page: whose it may be, and how high."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from cliqtel_portal.accounts.models import Membership, Tenant
from cliqtel_portal.errors import NotFound, NotPermitted
from mcp_access import services
from mcp_access.models import AccessToken
from mcp_access.services import TokenNotLive
from tests.factories.accounts import MembershipFactory
from tests.factories.mcp_access import make_token
from tests.mcp_access.token_form import signed_in, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def token(bob: Membership) -> AccessToken:
    return make_token(bob, name="Robot")[0]


def path(token: AccessToken) -> str:
    return reverse("mcp_access:token-set-limit", args=[token.pk])


def page(token: AccessToken) -> str:
    return reverse("mcp_access:token-detail", args=[token.pk])


def limit(token: AccessToken) -> int | None:
    token.refresh_from_db()
    return token.burst_per_minute


def test_the_owner_sets_and_takes_back_a_limit(token: AccessToken, bob: Membership) -> None:
    client = signed_in(bob)
    assert "300, the account's limit" in text_of(client.get(page(token)))

    said = text_of(client.post(path(token), {"burst_per_minute": "20"}, follow=True))
    assert "“Robot” has 20 calls a minute from its next call on." in said
    assert "<dd>20</dd>" in said
    assert limit(token) == 20

    said = text_of(client.post(path(token), {"burst_per_minute": ""}, follow=True))
    assert "“Robot” has the account's limit from its next call on." in said
    assert limit(token) is None


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("301", "Between 1 and 300 calls a minute."),
        ("0", "Between 1 and 300 calls a minute."),
        ("-5", "Between 1 and 300 calls a minute."),
        ("9" * 40, "Between 1 and 300 calls a minute."),
        ("1.5", "Enter a whole number."),
        ("<b>", "Enter a whole number."),
    ],
)
def test_what_is_no_limit_below_the_accounts_is_refused(
    token: AccessToken, bob: Membership, value: str, message: str
) -> None:
    response = signed_in(bob).post(path(token), {"burst_per_minute": value})
    assert message in text_of(response)
    assert "<b>" + chr(34) not in response.content.decode()
    assert limit(token) is None


def test_a_limit_above_one_that_staff_lowered_later_shows_the_lower(
    token: AccessToken, bob: Membership
) -> None:
    AccessToken.objects.update(burst_per_minute=200)
    Tenant.objects.update(burst_per_minute=50)
    assert "50, the account's limit" in text_of(signed_in(bob).get(page(token)))


def test_an_admin_limits_everyones(token: AccessToken, alice: Membership) -> None:
    signed_in(alice).post(path(token), {"burst_per_minute": "7"})
    assert limit(token) == 7


def test_a_colleague_a_viewer_and_mallory_limit_nothing(
    token: AccessToken, acme: Tenant, mallory: Membership
) -> None:
    colleague = MembershipFactory(tenant=acme, role="approver")
    viewer = MembershipFactory(tenant=acme, role="viewer")
    for membership, status in ((colleague, 404), (mallory, 404), (viewer, 403)):
        response = signed_in(membership).post(path(token), {"burst_per_minute": "1"})
        assert response.status_code == status
        with pytest.raises(NotPermitted if status == 403 else NotFound):
            services.limit_token(membership, token.pk, burst_per_minute=1)
    assert limit(token) is None


def test_a_dead_token_needs_no_limit(token: AccessToken, bob: Membership) -> None:
    AccessToken.objects.update(
        expires=timezone.now() - timedelta(days=1), created=timezone.now() - timedelta(days=9)
    )
    assert path(token) not in text_of(signed_in(bob).get(page(token)))
    said = text_of(signed_in(bob).post(path(token), {"burst_per_minute": "1"}, follow=True))
    assert "no longer live" in said
    with pytest.raises(TokenNotLive):
        services.limit_token(bob, token.pk, burst_per_minute=1)
    assert limit(token) is None


def test_a_get_changes_nothing(token: AccessToken, bob: Membership) -> None:
    response = signed_in(bob).get(path(token), {"burst_per_minute": "1"})
    assert response["Location"] == page(token)
    assert limit(token) is None
