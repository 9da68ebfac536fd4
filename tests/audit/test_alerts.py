from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from audit import alert_words, alerts, reactions, tasks
from audit.models import Alert, SlackMessage
from cliqtel_portal.accounts.models import Membership, Tenant
from cliqtel_portal.errors import NotFound, NotPermitted
from cliqtel_portal.notices.models import Notice
from tests.factories.accounts import MembershipFactory
from tests.factories.alerts import calls, make_alert


@pytest.fixture
def spike(alice: Membership) -> Tenant:
    calls(alice.tenant, 40, "upstream_error")
    return alice.tenant


def test_a_spike_is_one_alert_and_one_notice_to_each_admin(
    spike: Tenant, alice: Membership, bob: Membership, mallory: Membership
) -> None:
    admin = MembershipFactory(tenant=spike, role="admin")
    tasks.look_for_anomalies()
    tasks.look_for_anomalies()
    alert = Alert.objects.get()
    assert (alert.tenant, alert.rule, alert.state, alert.count) == (
        spike,
        "error_spike",
        "open",
        40,
    )
    assert set(Notice.objects.values_list("user", "link")) == {
        (alice.user_id, f"/numbers/ai-access/alerts/{alert.pk}/"),
        (admin.user_id, f"/numbers/ai-access/alerts/{alert.pk}/"),
    }
    notice = Notice.objects.filter(user=alice.user).get()
    assert notice.level == "warning"
    assert notice.body == "40 of 40 calls within 5 minutes ended in an error."
    assert not SlackMessage.objects.exists()  # no webhook is set


def test_an_open_alert_keeps_the_most_and_the_latest(spike: Tenant) -> None:
    now = timezone.now()
    (alert,) = alerts.look(now)
    calls(spike, 5, "upstream_error", at=now + timedelta(seconds=20))
    assert alerts.look(now + timedelta(seconds=30)) == []
    alert.refresh_from_db()
    assert (alert.count, alert.details["calls"]) == (45, 45)
    assert alert.last_seen_at == now + timedelta(seconds=30)
    assert alert.first_seen_at == now


def test_acknowledged_calls_are_no_news_but_new_ones_are(spike: Tenant, alice: Membership) -> None:
    (alert,) = alerts.look()
    alerts.acknowledge(alice, alert.pk)
    assert alerts.look() == []
    Alert.objects.update(acknowledged_at=timezone.now() - timedelta(seconds=301))
    assert len(alerts.look()) == 1


def test_an_alert_that_nothing_adds_to_is_over_and_the_next_is_told_again(spike: Tenant) -> None:
    now = timezone.now()
    (first,) = alerts.look(now)
    alerts.look(now + timedelta(seconds=3600))
    first.refresh_from_db()
    assert first.state == "open"
    alerts.look(now + timedelta(seconds=3601))
    first.refresh_from_db()
    assert first.state == "over"
    later = now + timedelta(hours=5)
    calls(spike, 40, "upstream_error", at=later)
    (second,) = alerts.look(later)
    assert second.pk != first.pk


def test_calls_of_a_tenant_that_is_gone_disturb_nothing(db: None) -> None:
    calls(Tenant(name="Gone"), 40, "upstream_error")
    assert alerts.look() == []


def test_severe_alerts_are_reacted_to_once(alice: Membership, monkeypatch) -> None:
    seen: list[Alert] = []
    monkeypatch.setattr(reactions, "_reactions", [seen.append])
    calls(alice.tenant, 40, "insufficient_scope", scope_required="mcp.orders.draft")
    alerts.look()
    alerts.look()
    assert [alert.rule for alert in seen] == ["scope_misuse"]  # the error spike is no severe one
    assert Notice.objects.filter(level="error").count() == 1
    assert "(mcp.orders.draft)" in Notice.objects.get(level="error").body


def test_who_acknowledges_first_stays_named(alice: Membership) -> None:
    alert = make_alert(alice.tenant)
    other = MembershipFactory(tenant=alice.tenant, role="admin")
    alerts.acknowledge(alice, alert.pk)
    assert alerts.acknowledge(other, alert.pk).acknowledged_by == alice.user


def test_members_and_strangers_do_not_acknowledge(
    alice: Membership, bob: Membership, mallory: Membership
) -> None:
    alert = make_alert(alice.tenant)
    with pytest.raises(NotPermitted):
        alerts.acknowledge(bob, alert.pk)
    with pytest.raises(NotFound):
        alerts.acknowledge(mallory, alert.pk)
    alert.refresh_from_db()
    assert alert.state == "open"


def test_sql_keeps_one_open_alert_for_a_subject(acme: Tenant) -> None:
    alert = make_alert(acme)
    with pytest.raises(IntegrityError, match="audit_alert_open_unique"), transaction.atomic():
        make_alert(acme, subject=alert.subject)
    make_alert(acme, subject=alert.subject, state="over")


@pytest.mark.parametrize("rule", Alert.Rule.values)
def test_each_rule_has_words(acme: Tenant, rule: str) -> None:
    alert = make_alert(acme, rule=rule, details={"networks": ["192.0.2.0/24"], "scopes": []})
    assert alert_words.sentence_of(alert).endswith(".")
    assert alert_words.advice_of(alert)
    assert alert_words.title_of(alert).endswith(": Ops agent")
