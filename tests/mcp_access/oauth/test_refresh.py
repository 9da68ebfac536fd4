"""Renewing a session: rotation, its absolute end, narrowing, and what a replay costs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from cliqtel_portal.accounts.models import Membership, Tenant
from cliqtel_portal.notices.models import Notice
from mcp_access import tokens
from mcp_access.models import AccessToken, Consent, OAuthAttempt, RefreshToken
from mcp_access.oauth import sessions, views
from tests.factories.accounts import MembershipFactory
from tests.factories.mcp_access import make_token
from tests.mcp_access.oauth.host import Host
from tests.mcp_access.oauth.token_request import check_form, check_refused

pytestmark = pytest.mark.django_db

ALL = {"mcp.inventory.read", "mcp.docs.read"}


@pytest.fixture
def host(client: Client, alice: Membership) -> Host:
    return Host(client).connect(alice)


def second_session(host: Host, membership: Membership, browser: Client | None = None) -> Host:
    """The same client, connected once more."""
    other = Host(browser or Client())
    other.client_id = host.client_id
    other.client.force_login(membership.user)
    answer = other.redeem(other.code())
    assert answer.status_code == 200
    other.tokens = answer.json()
    return other


def is_live(host: Host) -> bool:
    """Whether the session that its tokens belong to goes on."""
    held = RefreshToken.objects.get(token_checksum=tokens.digest(host.tokens["refresh_token"]))
    family = RefreshToken.objects.filter(token_family=held.token_family)
    return family.filter(revoked__isnull=True).exists()


def renew(host: Host) -> str:
    """Renew; returns the token that was used."""
    used = str(host.tokens["refresh_token"])
    answer = host.refresh(used)
    assert answer.status_code == 200, answer.content
    host.tokens = answer.json()
    return used


# -- rotation --------------------------------------------------------------------------------------
def test_each_renewal_gives_a_new_pair(host):
    seen = {host.tokens["access_token"], host.tokens["refresh_token"]}
    for _ in range(3):
        answer = host.refresh(host.tokens["refresh_token"])
        assert answer.status_code == 200
        check_form(answer)
        host.tokens = answer.json()
        assert host.tokens["expires_in"] == 3600
        assert set(host.tokens["scope"].split()) == ALL
        seen |= {host.tokens["access_token"], host.tokens["refresh_token"]}
    assert len(seen) == 8
    assert RefreshToken.objects.filter(revoked__isnull=True).count() == 1


def test_a_confidential_client_renews_with_its_secret_only(client, alice):
    host = Host(client)
    host.register(token_endpoint_auth_method="client_secret_post")
    client.force_login(alice.user)
    host.tokens = host.redeem(host.code()).json()
    held = host.tokens["refresh_token"]
    check_refused(host.refresh(held, client_secret="wrong"), 401, "invalid_client")
    check_refused(host.refresh(held, client_secret=None), 401, "invalid_client")
    assert host.refresh(held).status_code == 200


@pytest.mark.parametrize("value", ["", "x", "ct_mcpr_" + "A" * 43, "é", "x" * 9_000])
def test_an_unknown_token_is_an_invalid_grant(host, value):
    check_refused(host.refresh(value), 400, "invalid_grant")
    assert is_live(host)


def test_a_missing_token_is_an_invalid_request(host):
    check_refused(host.post_token(grant_type="refresh_token"), 400, "invalid_request")


@pytest.mark.parametrize("other", ["access token", "static token", "digest", "code"])
def test_nothing_else_renews(host, alice, other):
    value = {
        "access token": host.tokens["access_token"],
        "static token": make_token(alice)[1],
        "digest": RefreshToken.objects.get().token_checksum,
        "code": host.code(),
    }[other]
    check_refused(host.refresh(value), 400, "invalid_grant")
    assert is_live(host)


# -- the end ---------------------------------------------------------------------------------------
def test_a_session_ends_30_days_after_its_start_however_often_it_is_renewed(client, alice):
    start = datetime.now(UTC)
    with time_machine.travel(start, tick=False):
        host = Host(client).connect(alice)
    for day in (10, 20, 29):
        with time_machine.travel(start + timedelta(days=day), tick=False):
            renew(host)
    with time_machine.travel(start + timedelta(days=30) - timedelta(seconds=90), tick=False):
        renew(host)
        assert host.tokens["expires_in"] == 90, "no access token outlives the session"
    with time_machine.travel(start + timedelta(days=30), tick=False):
        check_refused(host.refresh(host.tokens["refresh_token"]), 400, "invalid_grant")
    ends = start + timedelta(days=30)
    assert set(RefreshToken.objects.values_list("expires_at", flat=True)) == {ends}
    assert not AccessToken.objects.filter(expires__gt=ends).exists()


def test_an_expired_session_is_no_replay(host):
    RefreshToken.objects.update(expires_at=timezone.now())
    check_refused(host.refresh(host.tokens["refresh_token"]), 400, "invalid_grant")
    assert not Notice.objects.exists()
    assert AccessToken.objects.get().revoked_at is None


# -- scope -----------------------------------------------------------------------------------------
def test_narrowing_holds_for_this_access_token_only(host):
    answer = host.refresh(host.tokens["refresh_token"], scope="mcp.docs.read")
    assert answer.json()["scope"] == "mcp.docs.read"
    assert AccessToken.objects.order_by("created").last().scope == "mcp.docs.read"
    later = host.refresh(answer.json()["refresh_token"])
    assert set(later.json()["scope"].split()) == ALL


@pytest.mark.parametrize(
    "scope",
    [
        "mcp.pricing.read",
        "mcp.docs.read mcp.numbers.purchase",
        "mcp.inventory.read mcp.docs.read mcp.callflows.read",
        "nonsense",
        "MCP.DOCS.READ",
        "*",
    ],
)
def test_a_wider_scope_is_refused_and_spends_nothing(host, scope):
    answer = host.refresh(host.tokens["refresh_token"], scope=scope)
    check_refused(answer, 400, "invalid_scope")
    assert AccessToken.objects.count() == 1
    renew(host)


# -- the person ------------------------------------------------------------------------------------
def disable(alice: Membership) -> None:
    alice.user.is_active = False
    alice.user.save()


def leave(alice: Membership) -> None:
    alice.ended_at = timezone.now()
    alice.save()


def suspend(alice: Membership) -> None:
    Tenant.objects.filter(pk=alice.tenant_id).update(status="suspended")


def become_viewer(alice: Membership) -> None:
    alice.role = Membership.Role.VIEWER
    alice.save()


@pytest.mark.parametrize("happens", [disable, leave, suspend, become_viewer])
def test_who_lost_access_can_not_renew(host, alice, happens):
    happens(alice)
    check_refused(host.refresh(host.tokens["refresh_token"]), 400, "invalid_grant")
    assert RefreshToken.objects.count() == AccessToken.objects.count() == 1
    assert not Notice.objects.exists()


# -- replay ----------------------------------------------------------------------------------------
def test_a_replay_ends_every_session_of_client_and_user_and_no_other(host, alice, bob):
    same = second_session(host, alice)
    another_person = second_session(host, bob)
    another_client = Host(Client()).connect(alice)
    _, static = make_token(alice)
    old = renew(host)
    renew(host)  # the replayed one is not the last but one

    check_refused(host.refresh(old), 400, "invalid_grant")

    assert [is_live(host), is_live(same)] == [False, False]
    assert [is_live(another_person), is_live(another_client)] == [True, True]
    dead = AccessToken.objects.filter(
        user=alice.user, application__client_id=host.client_id, revoked_at__isnull=True
    )
    assert not dead.exists(), "access tokens of earlier rotations die too"
    static_row = AccessToken.objects.get(token_checksum=tokens.digest(static))
    assert static_row.revoked_at is None


def test_a_replay_ends_the_sessions_in_other_tenants_too(host, alice):
    elsewhere = MembershipFactory(user=alice.user, tenant__slug="second", role="owner")
    other = Host(Client())
    other.client_id = host.client_id
    other.client.force_login(alice.user)
    answer = other.decide("allow", tenant="second")
    other.tokens = other.redeem(answer["Location"].split("code=")[1].split("&")[0]).json()
    assert RefreshToken.objects.filter(tenant=elsewhere.tenant).count() == 1

    host.refresh(renew(host))

    assert [is_live(host), is_live(other)] == [False, False]


def test_the_person_is_told_when(host, alice):
    old = renew(host)
    moment = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=5)
    with time_machine.travel(moment, tick=False):
        host.refresh(old)
    notice = Notice.objects.get()
    assert (notice.user, notice.tenant, notice.level) == (alice.user, alice.tenant, "warning")
    assert "Claude" in notice.title
    assert f"{moment:%Y-%m-%d %H:%M:%S} UTC" in notice.body
    assert Consent.objects.get().swept_at == moment


def test_the_person_is_told_once(host):
    old = renew(host)
    for _ in range(3):
        check_refused(host.refresh(old), 400, "invalid_grant")
    assert Notice.objects.count() == 1


def test_a_session_begun_after_a_sweep_works(host, alice):
    host.refresh(renew(host))
    again = second_session(host, alice)
    renew(again)
    assert is_live(again)


def test_another_client_with_the_token_sweeps_nothing(host):
    old = renew(host)
    stranger = Host(Client())
    stranger.register()
    for value in (old, host.tokens["refresh_token"]):
        check_refused(stranger.refresh(value), 400, "invalid_grant")
    assert is_live(host)
    assert not Notice.objects.exists()


def test_a_wrong_secret_with_the_token_sweeps_nothing(client, alice):
    host = Host(client)
    host.register(token_endpoint_auth_method="client_secret_post")
    client.force_login(alice.user)
    host.tokens = host.redeem(host.code()).json()
    old = renew(host)
    check_refused(host.refresh(old, client_secret="wrong"), 401, "invalid_client")
    assert is_live(host)


def test_a_request_that_came_before_the_rotation_sweeps_nothing(host, monkeypatch):
    before = timezone.now()
    old = renew(host)
    monkeypatch.setattr(views.timezone, "now", lambda: before)
    check_refused(host.refresh(old), 400, "invalid_grant")
    monkeypatch.undo()
    assert is_live(host)
    assert not Notice.objects.exists()
    check_refused(host.refresh(old), 400, "invalid_grant")
    assert not is_live(host)


def test_the_moment_the_server_had_the_request_counts(host, rf):
    """Under ASGI a request waits for a thread; what it was told then is when it came."""
    before = timezone.now()
    old = renew(host)
    body = f"grant_type=refresh_token&client_id={host.client_id}&refresh_token={old}"
    request = rf.post("/oauth/token", body, content_type="application/x-www-form-urlencoded")
    request.scope = {views.ARRIVED_HEADER: before}
    assert views.token(request).status_code == 400
    assert is_live(host)


@pytest.mark.parametrize(("waited", "lives"), [(9, True), (11, False)])
def test_a_grace_widens_the_time_without_a_penalty(client, alice, settings, waited, lives):
    settings.REFRESH_REUSE_GRACE_SECONDS = 10
    start = datetime.now(UTC)
    with time_machine.travel(start, tick=False):
        host = Host(client).connect(alice)
        old = renew(host)
    with time_machine.travel(start + timedelta(seconds=waited), tick=False):
        check_refused(host.refresh(old), 400, "invalid_grant")
    assert is_live(host) is lives


def test_without_a_grace_the_next_moment_counts(client, alice, settings):
    assert settings.REFRESH_REUSE_GRACE_SECONDS == 0
    start = datetime.now(UTC)
    with time_machine.travel(start, tick=False):
        host = Host(client).connect(alice)
        old = renew(host)
    with time_machine.travel(start + timedelta(milliseconds=1), tick=False):
        host.refresh(old)
    assert not is_live(host)


def test_the_last_token_of_a_session_that_was_revoked_is_no_replay(host, alice):
    """The host could not know that the person disconnected it; nothing was copied."""
    other = second_session(host, alice)
    host.revoke(host.tokens["refresh_token"])
    check_refused(host.refresh(host.tokens["refresh_token"]), 400, "invalid_grant")
    assert is_live(other)
    assert not Notice.objects.exists()


def test_an_older_token_of_a_session_that_was_revoked_is_a_replay(host, alice):
    other = second_session(host, alice)
    old = renew(host)
    host.revoke(host.tokens["refresh_token"])
    host.refresh(old)
    assert not is_live(other)


def test_a_sweep_takes_pending_codes_along(host):
    code = host.code()
    host.refresh(renew(host))
    check_refused(host.redeem(code), 400, "invalid_grant")


def test_a_disconnected_app_can_not_renew(host):
    sessions.revoke_consent(Consent.objects.get())
    check_refused(host.refresh(host.tokens["refresh_token"]), 400, "invalid_grant")
    assert not AccessToken.objects.filter(revoked_at__isnull=True).exists()


def test_attempts_are_on_record_without_a_credential(host):
    old = renew(host)
    host.refresh(old)
    found: list[Any] = list(
        OAuthAttempt.objects.filter(step="refresh").order_by("id").values_list("ok", "reason")
    )
    assert found == [(True, ""), (False, "invalid_grant")]
    assert old not in str(list(OAuthAttempt.objects.values()))


@pytest.mark.parametrize("scope", ["mcp.docs.read offline_access", "offline_access"])
def test_offline_access_is_forgiven(scope, client, alice):
    """Hosts that asked for it at consent send the same list again."""
    host = Host(client).connect(alice)
    answer = host.refresh(host.tokens["refresh_token"], scope=scope)
    assert answer.status_code == 200
    granted = set(answer.json()["scope"].split())
    assert granted == ({"mcp.docs.read"} if " " in scope else set(host.tokens["scope"].split()))


def test_offline_access_widens_nothing(client, alice):
    host = Host(client).connect(alice)
    answer = host.refresh(
        host.tokens["refresh_token"], scope="mcp.orders.draft mcp.docs.read offline_access"
    )
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")
