"""The connection doctor's page: whose attempts an admin sees, how much of each, and what to do."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from cliqtel_portal.accounts.models import Membership
from mcp_access.models import Consent, DoctorWatch, OAuthAttempt
from mcp_access.oauth import doctor
from tests.factories.accounts import MembershipFactory
from tests.factories.oauth import make_application
from tests.mcp_access.oauth.host import Host

pytestmark = pytest.mark.django_db

PAGE = "/numbers/ai-access/doctor/"
WATCH = f"{PAGE}watch/"
HERE = "127.0.0.1"  # of Django's test client


def attempt(**fields: Any) -> OAuthAttempt:
    values = {"step": "token", "ok": False, "reason": "invalid_grant", **fields}
    return OAuthAttempt.objects.create(**values)


def consented(membership: Membership, application: Any, **fields: Any) -> Consent:
    return Consent.objects.create(
        tenant=membership.tenant, user=membership.user, application=application, **fields
    )


def seen(membership: Membership, **options: Any) -> list[doctor.Finding]:
    return doctor.findings(membership, doctor.watches_of(membership), **options).findings


def page_of(membership: Membership, path: str = PAGE) -> Any:
    client = Client()
    client.force_login(membership.user)
    return client.get(path)


def watch(membership: Membership, **headers: str) -> Any:
    client = Client()
    client.force_login(membership.user)
    return client.post(WATCH, headers=headers or None, follow=True)


# -- who may look ----------------------------------------------------------------------------------
def test_a_stranger_is_led_to_sign_in(client: Client) -> None:
    answer = client.get(PAGE)
    assert (answer.status_code, answer["Location"]) == (302, f"/account/login/?next={PAGE}")


@pytest.mark.parametrize("role", ["viewer", "member", "approver"])
def test_who_is_no_admin_gets_the_page_that_says_so(acme: Any, role: str) -> None:
    other = MembershipFactory(tenant=acme, role=role)
    client = Client()
    client.force_login(other.user)
    for answer in (
        client.get(PAGE),
        client.post(WATCH),
        client.post(f"{PAGE}self-test/"),
    ):
        assert answer.status_code == 403
        assert b"Not with your role" in answer.content
    assert not DoctorWatch.objects.exists()


def test_only_admins_have_it_in_their_navigation(alice: Membership, bob: Membership) -> None:
    assert PAGE in page_of(alice, "/numbers/ai-access/").content.decode()
    assert PAGE not in page_of(bob, "/numbers/ai-access/").content.decode()


@pytest.mark.parametrize("path", [WATCH, f"{PAGE}self-test/"])
def test_a_look_changes_nothing(alice: Membership, path: str) -> None:
    assert page_of(alice, path).status_code == 405


# -- whose attempts --------------------------------------------------------------------------------
def test_a_refused_flow_is_shown_with_cause_and_remedy(client: Client, alice: Membership) -> None:
    host = Host(client).connect(alice)
    old = host.tokens["refresh_token"]
    host.refresh(old)
    host.refresh(old)
    text = page_of(alice).content.decode()
    assert "The session is over: it was revoked" in text
    assert "look for two copies of the app" in text
    assert "claude.ai" in text
    assert old not in text


def test_another_tenant_sees_nothing_of_it(
    client: Client, alice: Membership, mallory: Membership
) -> None:
    host = Host(client).connect(alice)
    host.refresh("ct_mcpr_" + "x" * 43)
    host.authorize(resource="https://elsewhere.example")
    assert len(seen(alice)) >= 4
    assert seen(mallory) == []
    assert "claude.ai" not in page_of(mallory).content.decode()


def test_allowing_the_same_app_later_opens_no_window(
    client: Client, alice: Membership, mallory: Membership
) -> None:
    host = Host(client).connect(alice)
    client.logout()
    client.force_login(mallory.user)
    host.code(scope=None)
    own = {finding.id for finding in seen(mallory)}
    assert own == set(
        OAuthAttempt.objects.filter(tenant=mallory.tenant).values_list("pk", flat=True)
    )
    host.refresh("ct_mcpr_" + "x" * 43)
    assert {finding.id for finding in seen(mallory)} == own
    newest = seen(alice)[0]
    assert (newest.step, newest.is_ok) == ("Refresh", False)


def test_an_app_known_by_its_document_belongs_to_no_tenant(
    alice: Membership, mallory: Membership
) -> None:
    shared = make_application("ChatGPT")
    shared.registration_source = "cimd"
    shared.client_id = "https://chatgpt.example/client.json"
    shared.save()
    consented(alice, shared)
    attempt(client_id=shared.client_id)
    own = attempt(client_id=shared.client_id, tenant=alice.tenant, user=alice.user)
    attempt(client_id=shared.client_id, tenant=mallory.tenant, user=mallory.user)
    assert [finding.id for finding in seen(alice)] == [own.pk]


def test_attempts_without_an_app_are_for_staff(alice: Membership) -> None:
    attempt(step="register", reason="invalid_redirect_uri", address="198.51.100.1")
    assert seen(alice) == []


def test_of_what_no_person_is_proved_for_neither_person_nor_address_is_shown(
    alice: Membership, mallory: Membership
) -> None:
    application = make_application()
    consented(alice, application)
    attempt(
        step="authorize",
        reason="no_access",
        client_id=application.client_id,
        user=mallory.user,
        address="198.51.100.1",
    )
    [finding] = seen(alice)
    assert (finding.person, finding.address) == ("", "")
    assert finding.diagnosis is not None
    text = page_of(alice).content.decode()
    assert "198.51.100.1" not in text
    assert mallory.user.email not in text


# -- the watch -------------------------------------------------------------------------------------
def test_a_watch_shows_what_comes_from_the_own_address_from_then_on(alice: Membership) -> None:
    attempt(step="register", reason="invalid_redirect_uri", address=HERE, client_name="Before")
    watch(alice)
    attempt(step="register", reason="invalid_redirect_uri", address=HERE, client_name="Mine")
    attempt(step="register", reason="invalid_redirect_uri", address="198.51.100.1")
    [finding] = seen(alice)
    assert (finding.app, finding.is_watched, finding.address) == ("Mine", True, HERE)
    assert finding.diagnosis is not None


def test_a_watch_ends_after_fifteen_minutes(alice: Membership) -> None:
    text = watch(alice).content.decode()
    assert "Watching" in text
    assert "in 14 min" in text
    [row] = DoctorWatch.objects.all()
    assert row.ends_at - row.started_at == timedelta(minutes=15)
    shift = timedelta(minutes=15, seconds=1)
    DoctorWatch.objects.update(started_at=row.started_at - shift, ends_at=row.ends_at - shift)
    attempt(address=HERE)
    inside = attempt(address=HERE, at=timezone.now() - timedelta(minutes=1))
    assert [finding.id for finding in seen(alice)] == [inside.pk]
    assert "Watch for 15 minutes" in page_of(alice).content.decode()


def test_a_watch_can_be_stopped_and_begun_anew(alice: Membership) -> None:
    client = Client()
    client.force_login(alice.user)
    client.post(WATCH)
    client.post(WATCH)
    now = timezone.now()
    assert DoctorWatch.objects.filter(ends_at__gt=now).count() == 1
    client.post(WATCH, {"stop": "1"})
    assert not DoctorWatch.objects.filter(ends_at__gt=timezone.now()).exists()
    attempt(address=HERE)
    assert seen(alice) == []


def test_a_colleagues_watch_is_the_colleagues(alice: Membership) -> None:
    carol = MembershipFactory(tenant=alice.tenant, role="admin")
    watch(alice)
    attempt(address=HERE)
    assert (len(seen(alice)), len(seen(carol))) == (1, 0)


def test_two_admins_behind_one_address_learn_nothing_of_each_others_accounts(
    client: Client, alice: Membership, mallory: Membership
) -> None:
    watch(alice)
    watch(mallory)
    Host(client).connect(alice)
    shown = [finding for finding in seen(mallory) if finding.step != "Register"]
    assert {finding.step for finding in shown} == {"Consent", "Token"}
    for finding in shown:
        assert not finding.is_known
        assert (finding.person, finding.reason, finding.detail) == ("", "", "")
        assert (finding.app, finding.address) == ("Claude", HERE)
    text = page_of(mallory).content.decode()
    for secret in (alice.user.email, alice.user.display_name, alice.tenant.name):
        assert secret not in text


def test_how_a_strangers_attempt_ended_is_not_told_by_the_filter_either(
    alice: Membership, mallory: Membership
) -> None:
    watch(mallory)
    attempt(step="consent", reason="connection_limit", tenant=alice.tenant, address=HERE)
    attempt(step="authorize", reason="no_access", user=alice.user, address=HERE)
    own = attempt(step="authorize", reason="no_access", user=mallory.user, address=HERE)
    nobodys = attempt(step="authorize", reason="login_required", address=HERE)
    everything = seen(mallory)
    assert [finding.is_known for finding in everything] == [True, True, False, False]
    assert [finding.id for finding in seen(mallory, failed_only=True)] == [nobodys.pk, own.pk]


def test_nobody_watches_a_proxy(alice: Membership, settings: Settings) -> None:
    answer = watch(alice, x_forwarded_for="198.51.100.1")
    assert "TRUSTED_PROXIES" in answer.content.decode()
    assert not DoctorWatch.objects.exists()
    settings.TRUSTED_PROXIES = 1
    watch(alice, x_forwarded_for="198.51.100.1")
    assert DoctorWatch.objects.get().address == "198.51.100.1"


def test_watches_that_match_nothing_any_more_are_forgotten(alice: Membership) -> None:
    long_ago = timezone.now() - timedelta(days=40)
    DoctorWatch.objects.create(
        tenant=alice.tenant,
        user=alice.user,
        address=HERE,
        started_at=long_ago,
        ends_at=long_ago + timedelta(minutes=15),
    )
    watch(alice)
    assert DoctorWatch.objects.get().started_at > long_ago


# -- the list --------------------------------------------------------------------------------------
def test_pages_hold_every_attempt_once_newest_first(alice: Membership) -> None:
    made = [attempt(tenant=alice.tenant).pk for _ in range(doctor.PER_PAGE + 3)]
    first = doctor.findings(alice, [])
    rest = doctor.findings(alice, [], before=first.older)
    assert [finding.id for finding in [*first.findings, *rest.findings]] == made[::-1]
    assert rest.older is None
    text = page_of(alice).content.decode()
    assert f"before={first.older}" in text
    assert "Newest" in page_of(alice, f"{PAGE}?before={first.older}").content.decode()


def test_failed_leaves_out_what_went_well(alice: Membership) -> None:
    attempt(tenant=alice.tenant, ok=True, reason="")
    failed = attempt(tenant=alice.tenant)
    assert [finding.id for finding in seen(alice, failed_only=True)] == [failed.pk]
    assert page_of(alice, f"{PAGE}?show=failed").status_code == 200


@pytest.mark.parametrize("query", ["before=x", "before=", "show=%00", "before=1&before=2"])
def test_an_odd_query_shows_the_list(alice: Membership, query: str) -> None:
    assert page_of(alice, f"{PAGE}?{query}").status_code == 200


def test_names_that_apps_give_themselves_are_text(alice: Membership) -> None:
    attempt(tenant=alice.tenant, client_name="<script>alert(1)</script>")
    text = page_of(alice).content.decode()
    assert "<script>alert(1)" not in text
    assert "&lt;script&gt;alert(1)" in text


def test_the_page_costs_the_same_for_many_attempts(
    client: Client, alice: Membership, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    doctor.start_watch(alice, HERE)
    for number in range(40):
        attempt(tenant=alice.tenant, user=alice.user, address=HERE, client_id=f"app {number}")
    client.force_login(alice.user)
    with django_assert_max_num_queries(10):
        assert client.get(PAGE).status_code == 200
