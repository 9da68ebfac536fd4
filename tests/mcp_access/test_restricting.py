"""MCP_AUTO_SUSPEND: what a severe alert takes from a token, what keeps it, who gives it back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from audit import alerts
from audit.models import Alert
from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.errors import NotFound, NotPermitted
from cliqtel_portal.notices.models import Notice
from mcp_access import restricting, services
from mcp_access.authority import live_scopes
from mcp_access.models import AccessToken, Consent
from tests.factories.accounts import MembershipFactory
from tests.factories.alerts import calls, make_alert
from tests.factories.mcp_access import DISCOVER, EVERY_SCOPE, make_token
from tests.factories.oauth import make_application, make_session
from tests.mcp_access.oauth.host import Host

pytestmark = pytest.mark.django_db
READ = frozenset(DISCOVER)


@pytest.fixture
def suspending(settings) -> None:
    settings.MCP_AUTO_SUSPEND = True


@pytest.fixture
def token(alice: Membership) -> AccessToken:
    return make_token(alice, scopes=EVERY_SCOPE, name="Ops agent")[0]


def restricted(token: AccessToken) -> bool:
    token.refresh_from_db()
    return token.restricted_at is not None


def test_it_is_off_unless_the_operator_turns_it_on(alice: Membership, token: AccessToken) -> None:
    assert restricting.restrict(make_alert(alice.tenant, token_id=token.pk)) is False
    assert not restricted(token)


def test_a_severe_alert_leaves_its_token_reading_and_tells_its_person(
    suspending: None, alice: Membership, bob: Membership, token: AccessToken
) -> None:
    other = make_token(bob)[0]
    calls(alice.tenant, 20, "insufficient_scope", token_id=token.pk, token_label="Ops agent")
    alerts.look()
    assert restricted(token)
    assert not restricted(other)
    assert live_scopes(alice.tenant, token.pk) == READ
    told = Notice.objects.filter(user=alice.user)
    assert {notice.title for notice in told} == {
        "Calls beyond its scopes: Ops agent",
        "Ops agent may only read now",
    }
    alert = Alert.objects.get(rule="scope_misuse")
    assert alert.details["restricted"] is True
    assert "The token was set to reading only." in told.get(title__startswith="Calls").body


def test_a_warning_takes_nothing(suspending: None, alice: Membership, token: AccessToken) -> None:
    calls(alice.tenant, 40, "upstream_error", token_id=token.pk)
    alerts.look()
    assert Alert.objects.get().rule == "error_spike"
    assert not restricted(token)


def test_rotating_does_not_shake_it_off(
    suspending: None, alice: Membership, token: AccessToken
) -> None:
    restricting.restrict(make_alert(alice.tenant, token_id=token.pk))
    issued = services.rotate_token(alice, token.pk, overlap=timedelta(hours=1))
    assert restricted(issued.token)
    restricting.lift(alice, issued.token.pk)
    assert not restricted(issued.token)
    assert not restricted(token)


def test_a_token_that_was_rotated_meanwhile_takes_its_successor_along(
    suspending: None, alice: Membership, token: AccessToken
) -> None:
    issued = services.rotate_token(alice, token.pk, overlap=timedelta(hours=1))
    restricting.restrict(make_alert(alice.tenant, token_id=token.pk))
    assert restricted(token)
    assert restricted(issued.token)
    assert live_scopes(alice.tenant, token.pk) == READ


def test_renewing_a_session_does_not_shake_it_off(
    suspending: None, client: Client, alice: Membership
) -> None:
    host = Host(client).connect(alice)
    first = AccessToken.objects.get(kind="oauth")
    alert = make_alert(alice.tenant, token_id=first.pk)
    assert restricting.restrict(alert) is True
    assert restricting.restrict(alert) is False
    assert host.refresh(host.tokens["refresh_token"]).status_code == 200
    newest = AccessToken.objects.filter(kind="oauth").exclude(pk=first.pk).get()
    assert restricted(newest)
    assert live_scopes(alice.tenant, first.pk) <= READ
    restricting.lift(alice, first.pk)
    assert not restricted(newest)


def test_the_sessions_of_an_app_go_together_but_not_another_persons(
    suspending: None, alice: Membership, bob: Membership
) -> None:
    app = make_application()
    mine = [make_session(alice, app).access_token for _ in range(2)]
    theirs = make_session(bob, app).access_token
    restricting.restrict(make_alert(alice.tenant, token_id=mine[0].pk))
    assert [restricted(each) for each in [*mine, theirs]] == [True, True, False]


def test_only_admins_of_the_tenant_lift_it(
    suspending: None, alice: Membership, bob: Membership, mallory: Membership
) -> None:
    token = make_token(bob, name="Bob's")[0]
    restricting.restrict(make_alert(alice.tenant, token_id=token.pk))
    with pytest.raises(NotPermitted):
        restricting.lift(bob, token.pk)
    with pytest.raises(NotFound):
        restricting.lift(mallory, token.pk)
    assert restricted(token)
    restricting.lift(alice, token.pk)
    restricting.lift(alice, token.pk)
    assert not restricted(token)
    titles = list(Notice.objects.filter(user=bob.user).values_list("title", flat=True))
    assert sorted(titles) == ["Bob's has its scopes back", "Bob's may only read now"]


def test_an_alert_with_another_tenants_token_does_nothing(
    suspending: None, alice: Membership, mallory: Membership
) -> None:
    token = make_token(mallory)[0]
    assert restricting.restrict(make_alert(alice.tenant, token_id=token.pk)) is False
    assert not restricted(token)


def test_the_pages_say_it_and_have_the_way_back(
    suspending: None, alice: Membership, bob: Membership, mallory: Membership
) -> None:
    token = make_token(bob, scopes=EVERY_SCOPE)[0]
    alert = make_alert(alice.tenant, token_id=token.pk)
    restricting.restrict(alert)
    page = f"/numbers/ai-access/tokens/{token.pk}/"
    browsers = {}
    for person in (alice, bob, mallory):
        browsers[person.pk] = Client()
        browsers[person.pk].force_login(person.user)
    own = browsers[bob.pk].get(page).content.decode()
    assert "After an alert it may only read" in own
    assert "Give its scopes back" not in own
    assert browsers[bob.pk].post(f"{page}lift/").status_code == 403
    assert browsers[mallory.pk].post(f"{page}lift/").status_code == 404
    assert restricted(token)
    for path in (page, f"/numbers/ai-access/alerts/{alert.pk}/"):
        assert "Give its scopes back" in browsers[alice.pk].get(path).content.decode()
    assert "Only reads" in browsers[alice.pk].get("/numbers/ai-access/tokens/").content.decode()
    answer = browsers[alice.pk].post(f"{page}lift/", follow=True).content.decode()
    assert "Lifted: it has its scopes back" in answer
    assert "Give its scopes back" not in answer
    assert not restricted(token)


def test_the_page_of_an_app_says_it_and_has_the_way_back(
    suspending: None, client: Client, alice: Membership, bob: Membership
) -> None:
    Host(client).connect(bob)
    token = AccessToken.objects.get(kind="oauth")
    restricting.restrict(make_alert(alice.tenant, token_id=token.pk))
    page = Notice.objects.for_user(alice.tenant, bob.user).get().link
    assert page == f"/numbers/ai-access/apps/{Consent.objects.get().pk}/"
    client.force_login(bob.user)
    own = client.get(page).content.decode()
    assert "After an alert it may only read" in own
    assert "Give its scopes back" not in own
    client.force_login(alice.user)
    assert "Give its scopes back" in client.get(page).content.decode()
    lifted = client.post(f"/numbers/ai-access/tokens/{token.pk}/lift/")
    assert lifted.headers["Location"] == page
    assert not restricted(token)
    assert "may only read" not in client.get(page).content.decode()


def test_who_is_no_admin_any_more_can_not_lift(suspending: None, alice: Membership) -> None:
    approver = MembershipFactory(tenant=alice.tenant, role="approver")
    token = make_token(approver)[0]
    restricting.restrict(make_alert(alice.tenant, token_id=token.pk))
    with pytest.raises(NotPermitted):
        restricting.lift(approver, token.pk)
