from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone

from audit import slack, slack_client, slack_outbox, tasks, webhooks
from audit.models import AlertWebhook, SlackMessage
from cliqtel_portal import celery  # noqa: F401 - so that tasks are run here
from cliqtel_portal.accounts.models import Membership, Tenant
from cliqtel_portal.locks import advisory_lock
from tests.factories.alerts import SlackStub, calls, make_alert, slack_stub

OWN = "https://hooks.slack.com/services/T1/B1/own-secret"
HOSTILE = "<!channel> *now* <https://evil.example|click> & \u202ereversed\n&lt;"


@pytest.fixture
def stub(settings, monkeypatch) -> Iterator[SlackStub]:
    """The operator's webhook; waits take no time, and are kept in `waits`."""
    with slack_stub() as stub:
        settings.SLACK_WEBHOOK_URL = stub.url
        stub.waits = []
        clock = SimpleNamespace(sleep=stub.waits.append)
        monkeypatch.setattr("slack_sdk.http_retry.handler.time", clock)
        monkeypatch.setattr("slack_sdk.http_retry.builtin_handlers.time", clock)
        yield stub


@pytest.fixture
def committing(django_capture_on_commit_callbacks):
    return lambda: django_capture_on_commit_callbacks(execute=True)


def test_an_error_spike_is_exactly_one_message_whatever_slack_answers_first(
    stub: SlackStub, alice: Membership, committing
) -> None:
    stub.answers = [(429, {"Retry-After": "2"}), (500, {})]
    calls(alice.tenant, 40, "upstream_error")
    for _ in range(3):
        with committing():
            tasks.look_for_anomalies()
    tasks.send_due_slack_messages()
    assert [one["status"] for one in stub.received] == [429, 500, 200]
    assert 2 <= stub.waits[0] < 3
    (body,) = stub.accepted
    assert body["text"].startswith("[Warning] Acme Test: Many errors. 40 of 40 calls within 5 min")
    assert "/admin/audit/alert/" in body["text"]
    assert [block["type"] for block in body["blocks"]] == [
        "header",
        "section",
        "section",
        "actions",
    ]
    message = SlackMessage.objects.get()
    assert (message.state, message.attempts, message.error) == ("sent", 1, "")


def test_what_slack_does_not_take_is_tried_later_and_at_last_given_up(
    stub: SlackStub, acme: Tenant, committing, settings
) -> None:
    stub.answers = [(502, {})] * 20
    with committing():
        slack.tell(make_alert(acme))
    message = SlackMessage.objects.get()
    assert (message.state, message.attempts) == ("pending", 1)
    assert message.error == "Slack answered 502."
    now = timezone.now()
    assert timedelta(seconds=10) < message.due_at - now < timedelta(seconds=16)
    assert slack_outbox.due_ids(now=now) == []
    for _ in range(settings.SLACK_MAX_ATTEMPTS + 2):
        now += timedelta(hours=1)
        for due in slack_outbox.due_ids(now=now):
            slack_outbox.deliver(due, now=now)
    message.refresh_from_db()
    assert (message.state, message.attempts) == ("failed", settings.SLACK_MAX_ATTEMPTS)
    assert len(stub.received) == settings.SLACK_MAX_ATTEMPTS


@pytest.mark.parametrize("value", ["3600", "soon"])
def test_no_worker_sleeps_through_a_long_or_odd_retry_after(
    stub: SlackStub, acme: Tenant, committing, value: str
) -> None:
    stub.answers = [(429, {"Retry-After": value})]
    with committing():
        slack.tell(make_alert(acme))
    assert stub.waits == []
    message = SlackMessage.objects.get()
    wait = (message.due_at - timezone.now()).total_seconds()
    assert (message.state, round(wait / 10)) == ("pending", 360 if value == "3600" else 1)


def test_a_webhook_that_is_gone_is_not_asked_again(
    stub: SlackStub, acme: Tenant, committing
) -> None:
    stub.answers = [(404, {})]
    with committing():
        slack.tell(make_alert(acme))
    assert SlackMessage.objects.get().state == "failed"
    assert len(stub.received) == 1


def test_a_message_whose_sender_died_is_sent_by_the_scan(stub: SlackStub, acme: Tenant) -> None:
    slack.tell(make_alert(acme))  # its on_commit never ran
    message = SlackMessage.objects.get()
    claimed = slack_outbox._claim(message.pk, timezone.now())  # and the next one dies here
    assert claimed is not None
    tasks.send_due_slack_messages()
    assert stub.received == []
    SlackMessage.objects.update(due_at=timezone.now())
    tasks.send_due_slack_messages()
    tasks.send_due_slack_messages()
    assert len(stub.accepted) == 1
    message.refresh_from_db()
    assert (message.state, message.attempts) == ("sent", 2)


def test_who_was_given_up_does_not_write_over_who_took_over(stub: SlackStub, acme: Tenant) -> None:
    slack.tell(make_alert(acme))
    message = SlackMessage.objects.get()
    late = slack_outbox._claim(message.pk, timezone.now())
    assert late is not None
    slack_outbox.deliver(message.pk, now=timezone.now() + timedelta(minutes=5))
    slack_outbox._write(late, slack_client.Answer(error="Too late."), timezone.now())
    message.refresh_from_db()
    assert (message.state, message.error) == ("sent", "")


def test_a_redirect_is_not_followed(stub: SlackStub, acme: Tenant, committing) -> None:
    stub.answers = [(302, {"Location": stub.url + "/elsewhere"})]
    with committing():
        slack.tell(make_alert(acme))
    assert len(stub.received) == 1
    assert SlackMessage.objects.get().state == "failed"


def test_words_of_others_are_inert_and_secrets_are_nowhere(
    stub: SlackStub, acme: Tenant, committing, caplog
) -> None:
    stub.answers = [(500, {}), (500, {})]
    acme.name = HOSTILE
    with caplog.at_level(logging.DEBUG), committing():
        slack.tell(make_alert(acme, token_label=HOSTILE, user_label=HOSTILE))
    (body,) = [one["body"] for one in stub.received[:1]]
    whole = json.dumps(body, ensure_ascii=False)
    assert "<" not in whole
    assert ">" not in whole
    assert "\u202e" not in whole
    assert "&lt;!channel&gt; *now* &lt;https://evil.example|click&gt; &amp; [U+202E]rev" in whole
    assert body["mrkdwn"] is False
    kinds = {block["text"]["type"] for block in body["blocks"] if "text" in block}
    assert kinds == {"plain_text"}
    assert "secret-part" not in caplog.text
    assert "secret-part" not in whole
    assert "secret-part" not in repr(SlackMessage.objects.values())


def test_long_labels_stay_within_what_slack_takes(acme: Tenant, settings) -> None:
    settings.SLACK_WEBHOOK_URL = "https://hooks.slack.com/services/x"
    acme.name = "&" * 120
    slack.tell(make_alert(acme, token_label="<" * 120, user_label=">" * 254))
    message = SlackMessage.objects.get()
    assert len(message.text) < 3000
    fields = message.blocks[2]["fields"]
    assert max(len(field["text"]) for field in fields) < 2000


@pytest.fixture
def posts(monkeypatch) -> list[tuple[str, bool]]:
    sent: list[tuple[str, bool]] = []

    def post(url: str, *, guarded: bool, **_message: object) -> slack_client.Answer:
        sent.append((url, guarded))
        return slack_client.Answer()

    monkeypatch.setattr(slack_client, "post", post)
    return sent


def test_the_tenants_own_webhook_is_told_too_and_guarded(
    alice: Membership, mallory: Membership, committing, posts, settings
) -> None:
    settings.SLACK_WEBHOOK_URL = "https://hooks.slack.com/services/operator"
    webhooks.set_webhook(alice, url=OWN)
    webhooks.set_webhook(mallory, url="https://hooks.slack.com/services/mallory")
    with committing():
        slack.tell(make_alert(alice.tenant))
    assert sorted(posts) == [(OWN, True), (settings.SLACK_WEBHOOK_URL, False)]
    (own,) = slack.messages_to(alice.tenant)
    assert "/numbers/ai-access/alerts/" in own.text
    assert "/admin/" not in own.text
    assert slack.messages_to(mallory.tenant) == []


def test_one_channel_is_not_told_twice(alice: Membership, committing, posts, settings) -> None:
    settings.SLACK_WEBHOOK_URL = OWN
    webhooks.set_webhook(alice, url=OWN)
    with committing():
        slack.tell(make_alert(alice.tenant))
    assert posts == [(OWN, False)]


def test_a_webhook_that_was_removed_meanwhile_fails_its_message(
    alice: Membership, committing, posts
) -> None:
    webhooks.set_webhook(alice, url=OWN)
    with committing():
        slack.send_test(alice)
        AlertWebhook.objects.all().delete()
    assert posts == []
    assert SlackMessage.objects.get().state == "failed"


def test_a_line_with_a_key_is_sent_once(stub: SlackStub, committing, db) -> None:
    for _ in range(2):
        with committing():
            slack.send_text("Head of the log <&> abc", key="anchor:2026-11-21")
    assert [body["text"] for body in stub.accepted] == ["Head of the log &lt;&amp;&gt; abc"]
    assert "blocks" not in stub.accepted[0]


def test_without_a_webhook_nothing_is_written(acme: Tenant) -> None:
    assert slack.send_text("nobody hears") is None
    slack.tell(make_alert(acme))
    assert not SlackMessage.objects.exists()


def test_messages_long_sent_are_forgotten(acme: Tenant, settings) -> None:
    settings.SLACK_WEBHOOK_URL = OWN
    for state in ("pending", "sent"):
        slack.send_text(state, key=state)
    SlackMessage.objects.filter(key="text:sent").update(state="sent", finished_at=timezone.now())
    SlackMessage.objects.update(created_at=timezone.now() - timedelta(days=31))
    tasks.forget_alert_leftovers()
    assert SlackMessage.objects.get().key == "text:pending"


def test_the_lock_of_a_message_is_its_own(stub: SlackStub, acme: Tenant) -> None:
    slack.tell(make_alert(acme))
    with advisory_lock("audit.look_for_anomalies"):
        tasks.send_due_slack_messages()
    assert len(stub.accepted) == 1
