"""Unused tokens and scopes are pointed out, and a token can be trimmed to what it needs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from audit.models import DailyUsage
from cliqtel_portal.accounts.models import Membership, Tenant
from cliqtel_portal.errors import InvalidArguments, NotFound, NotPermitted
from cliqtel_portal.notices.models import Notice
from mcp_access.models import AccessToken
from mcp_access.narrowing import narrow_token
from mcp_access.services import TokenNotLive
from mcp_access.views.token_use import use_of
from tests.factories.accounts import MembershipFactory
from tests.factories.mcp_access import make_token

pytestmark = pytest.mark.django_db

LIST = "/numbers/ai-access/tokens/"
SCOPES = ("mcp.docs.read", "mcp.inventory.read", "mcp.orders.draft")


def aged(membership: Membership, *, days: int, **fields: Any) -> AccessToken:
    token, _ = make_token(membership, scopes=SCOPES, **fields)
    AccessToken.objects.filter(pk=token.pk).update(created=timezone.now() - timedelta(days=days))
    token.refresh_from_db()
    return token


def used(token: AccessToken, tool: str, *, days_ago: int = 0, calls: int = 1) -> None:
    day = datetime.now(UTC).date() - timedelta(days=days_ago)
    DailyUsage.objects.create(
        tenant_id=token.tenant_id, day=day, tool=tool, source_id=token.pk,
        calls=calls, errors=0, refused=0,
    )  # fmt: skip


def client_of(membership: Membership) -> Client:
    client = Client()
    client.force_login(membership.user)
    return client


def page_of(membership: Membership, path: str) -> str:
    return client_of(membership).get(path).content.decode()


def test_the_token_loses_what_is_not_kept_and_it_is_logged(alice: Membership) -> None:
    token = aged(alice, days=20)

    lost = narrow_token(alice, token.pk, keep=["mcp.docs.read"])

    token.refresh_from_db()
    assert token.scope == "mcp.docs.read"
    assert lost == ["mcp.inventory.read", "mcp.orders.draft"]
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id) == (alice.user, str(token.pk))
    assert "mcp.inventory.read, mcp.orders.draft" in entry.change_message
    assert not Notice.objects.exists()


def test_a_second_time_changes_nothing(alice: Membership) -> None:
    token = aged(alice, days=20)
    narrow_token(alice, token.pk, keep=["mcp.docs.read"])

    assert narrow_token(alice, token.pk, keep=["mcp.docs.read"]) == []
    assert LogEntry.objects.count() == 1


@pytest.mark.parametrize("keep", [[], ["mcp.docs.read", "mcp.numbers.purchase"], ["x" * 500]])
def test_it_never_adds_a_scope_and_leaves_one(keep: list[str], alice: Membership) -> None:
    token = aged(alice, days=20)

    with pytest.raises(InvalidArguments):
        narrow_token(alice, token.pk, keep=keep)

    token.refresh_from_db()
    assert token.scope.split() == list(SCOPES)


def test_only_its_person_and_admins_may(
    alice: Membership, bob: Membership, mallory: Membership, acme: Tenant
) -> None:
    token = aged(alice, days=20)
    viewer = MembershipFactory(tenant=acme, role="viewer")

    for stranger in (bob, mallory):
        with pytest.raises(NotFound):
            narrow_token(stranger, token.pk, keep=["mcp.docs.read"])
        assert client_of(stranger).get(f"{LIST}{token.pk}/trim/").status_code == 404
        posted = client_of(stranger).post(f"{LIST}{token.pk}/trim/", {"scopes": "mcp.docs.read"})
        assert posted.status_code == 404
    with pytest.raises(NotPermitted):
        narrow_token(viewer, token.pk, keep=["mcp.docs.read"])
    assert client_of(viewer).get(f"{LIST}{token.pk}/trim/").status_code == 403
    token.refresh_from_db()
    assert token.scope.split() == list(SCOPES)


def test_who_is_narrowed_by_an_admin_is_told(alice: Membership, bob: Membership) -> None:
    token = aged(bob, days=20, name="Ops")
    narrow_token(alice, token.pk, keep=["mcp.docs.read"])

    notice = Notice.objects.get()
    assert (notice.user, notice.title) == (bob.user, "“Ops” lost 2 scopes")


def test_what_is_over_has_no_scope_to_lose(alice: Membership) -> None:
    token = aged(alice, days=20, revoked_at=timezone.now())

    with pytest.raises(TokenNotLive):
        narrow_token(alice, token.pk, keep=["mcp.docs.read"])
    answer = client_of(alice).get(f"{LIST}{token.pk}/trim/")
    assert answer["Location"] == f"{LIST}{token.pk}/"


def test_the_page_ticks_what_was_needed_and_trims(alice: Membership) -> None:
    token = aged(alice, days=40)
    used(token, "search_docs", days_ago=35, calls=7)
    path = f"{LIST}{token.pk}/trim/"

    page = page_of(alice, path)
    assert 'value="mcp.docs.read" checked' in page
    assert page.count(" checked") == 1
    assert "7 calls in the last 90 days" in page

    refused = client_of(alice).post(path, {})
    assert "Keep at least one scope" in refused.content.decode()
    answer = client_of(alice).post(path, {"scopes": ["mcp.docs.read"]}, follow=True)
    assert "Removed 2 scopes" in answer.content.decode()
    token.refresh_from_db()
    assert token.scope == "mcp.docs.read"


def test_unused_scopes_are_pointed_out_once_one_can_tell(alice: Membership) -> None:
    young, unused, old = (aged(alice, days=days) for days in (3, 40, 40))
    for token in (young, old):
        used(token, "search_docs", days_ago=2)
        used(token, "whoami")  # needs no scope
    used(old, "list_inventory", days_ago=120)  # too long ago to count

    assert "Used 1 of its 3 scopes" in page_of(alice, f"{LIST}{old.pk}/")
    assert "of its 3 scopes" not in page_of(alice, f"{LIST}{young.pk}/")
    assert "of its 3 scopes" not in page_of(alice, f"{LIST}{unused.pk}/")


def test_the_chart_has_the_days_and_their_table(alice: Membership) -> None:
    token = aged(alice, days=40)
    used(token, "search_docs", days_ago=1, calls=4)
    used(token, "list_inventory", days_ago=1, calls=4)
    used(token, "search_docs", days_ago=9, calls=2)
    used(token, "search_docs", days_ago=40, calls=50)

    use = use_of(token)
    page = page_of(alice, f"{LIST}{token.pk}/")

    assert (use.calls, len(use.days)) == (10, 30)
    assert {bar.height for bar in use.days if bar.calls} == {"40.00", "10.00"}
    assert 'class="spark"' in page
    assert page.count('<th scope="row" class="nowrap">') == 2


def test_another_tenants_calls_are_in_no_chart(alice: Membership, mallory: Membership) -> None:
    token = aged(alice, days=40)
    DailyUsage.objects.create(
        tenant_id=mallory.tenant_id, day=datetime.now(UTC).date(), tool="search_docs",
        source_id=token.pk, calls=9, errors=0, refused=0,
    )  # fmt: skip

    assert use_of(token).calls == 0


def test_long_unused_tokens_are_listed_by_themselves(alice: Membership, bob: Membership) -> None:
    long_life = timezone.now() + timedelta(days=200)
    never = aged(alice, days=100, name="never used", expires=long_life)
    lately = aged(alice, days=100, name="lately used", expires=long_life)
    AccessToken.objects.filter(pk=lately.pk).update(last_used_at=timezone.now())
    aged(alice, days=100, name="dead", revoked_at=timezone.now())
    aged(alice, days=10, name="young")
    aged(bob, days=100, name="of bob", expires=long_life)

    page = page_of(alice, f"{LIST}?show=unused")
    assert "never used" in page
    assert "of bob" in page
    assert "lately used" not in page
    assert "dead" not in page
    assert "young" not in page
    assert "never used" not in page_of(bob, f"{LIST}?show=unused")
    assert page_of(alice, LIST).count("Long unused") == 2
    assert "Unused for 90 days." in page_of(alice, f"{LIST}{never.pk}/")
    AccessToken.objects.update(last_used_at=timezone.now())
    assert "Every token is in use" in page_of(alice, f"{LIST}?show=unused")
