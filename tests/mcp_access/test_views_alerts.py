"""AI Access → Alerts and Settings → Alerts on Slack: who sees what, and what a click does."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from audit import outgoing, slack_client, webhooks
from audit.models import Alert, AlertWebhook, SlackMessage
from cliqtel_portal import celery  # noqa: F401 - so that tasks are run here
from cliqtel_portal.accounts.models import Membership
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.factories.alerts import calls, make_alert
from tests.factories.mcp_access import make_token

pytestmark = pytest.mark.django_db

URL = "/numbers/ai-access/alerts/"
SETTINGS = "/settings/alerts/"
WEBHOOK = "https://hooks.slack.com/services/T1/B1/own-secret"
HOSTILE = "<img src=x onerror=alert(1)> \u202ereversed"


def signed_in(membership: Membership) -> Client:
    client = Client()
    client.force_login(membership.user)
    return client


@pytest.fixture
def public(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing, "public_addresses", lambda host, port=443: ["8.8.8.8"])


@pytest.mark.parametrize("role", ["viewer", "member", "approver"])
def test_below_admin_nobody_sees_alerts_or_the_webhook(alice: Membership, role: str) -> None:
    alert = make_alert(alice.tenant)
    client = signed_in(MembershipFactory(tenant=alice.tenant, role=role))
    for path in (URL, f"{URL}{alert.pk}/", SETTINGS, f"{SETTINGS}remove/"):
        assert client.get(path).status_code == 403
    for path in (f"{URL}{alert.pk}/acknowledge/", SETTINGS, f"{SETTINGS}test/"):
        assert client.post(path, {"url": WEBHOOK}).status_code == 403
    page = client.get("/settings/", follow=True).content.decode()
    assert SETTINGS not in page
    assert URL not in page
    assert not AlertWebhook.objects.exists()


def test_a_stranger_finds_nothing_of_acme(alice: Membership, mallory: Membership) -> None:
    alert = make_alert(alice.tenant)
    webhooks.set_webhook(alice, url=WEBHOOK)
    client = signed_in(mallory)
    assert "No alerts" in client.get(URL).content.decode()
    assert client.get(f"{URL}{alert.pk}/").status_code == 404
    assert client.post(f"{URL}{alert.pk}/acknowledge/").status_code == 404
    assert "Address" not in client.get(SETTINGS).content.decode().replace("Webhook address", "")
    client.post(f"{SETTINGS}remove/")
    client.post(f"{SETTINGS}test/")
    assert webhooks.url_of(alice.tenant) == WEBHOOK
    assert Alert.objects.get().state == "open"
    assert not SlackMessage.objects.exists()


def test_an_alert_is_listed_read_and_acknowledged(alice: Membership) -> None:
    token, _ = make_token(alice, name="Ops agent")
    calls(alice.tenant, 2, "insufficient_scope", token_id=token.pk)
    alert = make_alert(alice.tenant, token_id=token.pk)
    client = signed_in(alice)
    listed = client.get(URL).content.decode()
    assert "Calls beyond its scopes: Ops agent" in listed
    assert "20 calls within 5 minutes were refused" in listed
    page = client.get(f"{URL}{alert.pk}/").content.decode()
    assert f"/numbers/ai-access/tokens/{token.pk}/" in page
    assert page.count("insufficient_scope") == 2
    response = client.post(f"{URL}{alert.pk}/acknowledge/", follow=True)
    assert "Acknowledged. What comes anew is told again." in response.content.decode()
    alert.refresh_from_db()
    assert (alert.state, alert.acknowledged_by) == ("acknowledged", alice.user)
    second = signed_in(MembershipFactory(tenant=alice.tenant, role="admin"))
    page = second.post(f"{URL}{alert.pk}/acknowledge/", follow=True).content.decode()
    assert f"already, by {alice.user.display_name}" in page
    assert second.get(f"{URL}{alert.pk}/acknowledge/").status_code == 405


def test_words_of_a_host_are_shown_inert(alice: Membership) -> None:
    alert = make_alert(alice.tenant, token_label=HOSTILE)
    for path in (URL, f"{URL}{alert.pk}/"):
        page = signed_in(alice).get(path).content.decode()
        assert "<img src=x" not in page
        assert "\u202e" not in page
        assert "[U+202E]" in page


def test_the_log_of_another_tenants_token_is_not_shown(
    alice: Membership, mallory: Membership
) -> None:
    token, _ = make_token(mallory, name="Theirs")
    calls(mallory.tenant, 2, "insufficient_scope", token_id=token.pk)
    alert = make_alert(alice.tenant, token_id=token.pk)
    page = signed_in(alice).get(f"{URL}{alert.pk}/").content.decode()
    assert "Last calls" not in page


def test_the_list_costs_the_same_for_many(alice: Membership) -> None:
    client = signed_in(alice)
    client.get(URL)  # the first use of a session is written down
    make_alert(alice.tenant)
    with CaptureQueriesContext(connection) as one:
        client.get(URL)
    for n in range(30):
        make_alert(alice.tenant, rule=Alert.Rule.values[n % 5])
    with CaptureQueriesContext(connection) as many:
        client.get(URL)
    assert len(many) == len(one)


def test_a_webhook_is_set_masked_replaced_and_removed(alice: Membership, public: None) -> None:
    client = signed_in(alice)
    page = client.post(SETTINGS, {"url": WEBHOOK}, follow=True).content.decode()
    assert "hooks.slack.com/…cret" in page
    assert "own-secret" not in page
    assert webhooks.url_of(alice.tenant) == WEBHOOK
    client.post(SETTINGS, {"url": WEBHOOK + "2"})
    assert webhooks.url_of(alice.tenant) == WEBHOOK + "2"
    assert "Remove the webhook?" in client.get(f"{SETTINGS}remove/").content.decode()
    assert webhooks.url_of(alice.tenant)
    client.post(f"{SETTINGS}remove/")
    assert webhooks.url_of(alice.tenant) == ""
    assert client.get(f"{SETTINGS}remove/").status_code == 302


def test_a_refused_address_is_not_written_back(alice: Membership) -> None:
    response = signed_in(alice).post(SETTINGS, {"url": "http://10.0.0.1/own-secret"})
    assert response.status_code == 422
    page = response.content.decode()
    assert "It must start with https://." in page
    assert "own-secret" not in page
    assert not AlertWebhook.objects.exists()


def test_an_address_within_our_own_network_is_refused(alice: Membership) -> None:
    response = signed_in(alice).post(SETTINGS, {"url": "https://127.0.0.1/services/x"})
    assert "leads to an address that is not public" in response.content.decode()


def test_a_test_message_is_sent_and_its_end_is_shown(
    alice: Membership, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks
) -> None:
    webhooks.set_webhook(alice, url=WEBHOOK)
    sent = []

    def post(url: str, **message: object) -> slack_client.Answer:
        sent.append((url, message["text"]))
        return slack_client.Answer(error="Slack does not know this webhook, or so (404).")

    monkeypatch.setattr(slack_client, "post", post)
    client = signed_in(alice)
    with django_capture_on_commit_callbacks(execute=True):
        client.post(f"{SETTINGS}test/")
        client.post(f"{SETTINGS}test/")  # a double click
    assert sent == [(WEBHOOK, "Test: alerts of Acme Test on Cliqtel AI Access will come here.")]
    page = client.get(SETTINGS).content.decode()
    assert "Failed" in page
    assert "Slack does not know this webhook" in page


def test_staff_find_the_alert_that_slack_links_to(alice: Membership) -> None:
    alert = make_alert(alice.tenant)
    client = Client()
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    assert client.get(f"/admin/audit/alert/{alert.pk}/change/").status_code == 200
    hook = AlertWebhook.objects.create(
        tenant=alice.tenant,
        encrypted_url="gAAAA-secret",
        hint="hooks.slack.com…9xyz",
        set_by=alice.user,
    )
    page = client.get(f"/admin/audit/alertwebhook/{hook.pk}/change/").content.decode()
    assert hook.hint in page
    assert "gAAAA-secret" not in page
