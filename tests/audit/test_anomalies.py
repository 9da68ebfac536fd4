from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit import anomalies
from audit.models import Alert, SeenNetwork
from audit.networks import network_of
from cliqtel_portal.accounts.models import Tenant
from cliqtel_portal.ids import uuid7
from tests.factories.alerts import calls
from tests.factories.audit import id_at

Rule = Alert.Rule
DAY = timedelta(days=1)


def found(rule: Alert.Rule, now=None) -> list[anomalies.Finding]:
    return [one for one in anomalies.find_all(now or timezone.now()) if one.rule == rule]


def test_calls_beyond_its_scopes_are_found_from_the_threshold_on(acme: Tenant) -> None:
    calls(acme, 14, "insufficient_scope", scope_required="mcp.messaging.send")
    assert found(Rule.SCOPE_MISUSE) == []
    calls(acme, 1, "not_permitted", scope_required="mcp.numbers.purchase")
    (finding,) = found(Rule.SCOPE_MISUSE)
    assert (finding.tenant_id, finding.count, finding.token_label) == (acme.pk, 15, "Laptop")
    assert finding.details == {"scopes": ["mcp.messaging.send", "mcp.numbers.purchase"]}
    assert finding.severity == "severe"


def test_what_lies_before_the_window_or_is_another_error_or_token_does_not_count(
    acme: Tenant,
) -> None:
    calls(acme, 14, "insufficient_scope")
    calls(acme, 14, "insufficient_scope", token_id=uuid7())
    calls(acme, 14, "rate_limited")
    calls(acme, 14, "insufficient_scope", at=timezone.now() - timedelta(seconds=330))
    assert found(Rule.SCOPE_MISUSE) == []


def test_a_session_is_one_subject_whatever_its_token_of_the_hour(acme: Tenant) -> None:
    for _ in range(2):
        calls(acme, 8, "insufficient_scope", token_id=uuid7(), client_id="https://x.example/c.json")
    (finding,) = found(Rule.SCOPE_MISUSE)
    assert finding.count == 16
    assert finding.subject == f"https://x.example/c.json {finding.user_id}"


def test_guessing_needs_different_arguments(acme: Tenant) -> None:
    calls(acme, 30, "not_found", argument_digest="a" * 64)
    assert found(Rule.ENUMERATION) == []
    calls(acme, 20, "not_found")
    (finding,) = found(Rule.ENUMERATION)
    assert (finding.count, finding.details) == (21, {"calls": 50})


def test_a_burst_of_drafts_counts_new_approvals_once(acme: Tenant) -> None:
    old = id_at(timezone.now() - DAY)
    calls(acme, 40, approval_id=uuid7())  # one draft, asked for again and again
    for _ in range(23):
        calls(acme, 1, approval_id=uuid7())
    calls(acme, 5, approval_id=old)
    calls(acme, 5, approval_id=uuid7(), scope_required="")  # only asks how it stands
    assert found(Rule.DRAFT_BURST) == []
    calls(acme, 1, approval_id=uuid7())
    (finding,) = found(Rule.DRAFT_BURST)
    assert finding.count == 25


def test_executions_are_no_drafts(acme: Tenant) -> None:
    for _ in range(30):
        calls(acme, 1, approval_id=uuid7(), parent_id=uuid7())
    assert found(Rule.DRAFT_BURST) == []


def test_errors_are_many_against_what_is_usual_for_the_tenant(acme: Tenant) -> None:
    now = timezone.now()
    calls(acme, 1, at=now - 3 * DAY)
    calls(acme, 19, "upstream_error")
    assert found(Rule.ERROR_SPIKE) == []
    calls(acme, 1, "upstream_error")
    (finding,) = found(Rule.ERROR_SPIKE)
    assert (finding.count, finding.subject, finding.token_id) == (20, "", None)
    assert finding.details == {"calls": 20, "usual": 0.0}
    assert finding.severity == "warning"


def test_a_tenant_with_as_many_errors_at_this_time_of_each_day_is_left_alone(acme: Tenant) -> None:
    now = timezone.now()
    for day in range(1, 4):
        calls(acme, 5, "upstream_error", at=now - day * DAY)
    calls(acme, 26, "upstream_error", at=now)
    (finding,) = found(Rule.ERROR_SPIKE, now)  # five times what is usual
    assert finding.details["usual"] == pytest.approx(5, abs=0.1)
    calls(acme, 3, "upstream_error", at=now - 2 * DAY)
    assert found(Rule.ERROR_SPIKE, now) == []


def test_in_the_first_hour_only_many_and_mostly_errors_count(acme: Tenant) -> None:
    calls(acme, 29, "upstream_error")
    assert found(Rule.ERROR_SPIKE) == []
    calls(acme, 2, "upstream_error")
    assert len(found(Rule.ERROR_SPIKE)) == 1
    calls(acme, 32)
    assert found(Rule.ERROR_SPIKE) == []


def test_another_tenants_errors_are_not_added(acme: Tenant, mallory) -> None:
    calls(acme, 20, "upstream_error")
    calls(mallory.tenant, 20, "upstream_error")
    assert found(Rule.ERROR_SPIKE) == []


def test_a_new_network_is_news_once_and_a_tokens_first_is_none(acme: Tenant) -> None:
    calls(acme, 2, address="192.0.2.7")
    assert found(Rule.NEW_NETWORK) == []
    calls(acme, 2, address="192.0.2.99")
    assert found(Rule.NEW_NETWORK) == []
    calls(acme, 1, address="2001:db8:5::1")
    (finding,) = found(Rule.NEW_NETWORK)
    assert finding.details == {"networks": ["2001:db8:5::/48"]}
    assert finding.subject == str(finding.token_id)
    assert found(Rule.NEW_NETWORK) == []
    assert SeenNetwork.objects.count() == 2


def test_a_network_not_used_for_a_month_is_new_again(acme: Tenant) -> None:
    calls(acme, 1, address="192.0.2.7")
    calls(acme, 1, address="198.51.100.7")
    found(Rule.NEW_NETWORK)
    SeenNetwork.objects.filter(network="198.51.100.0/24").update(
        last_seen_at=timezone.now() - 31 * DAY
    )
    assert anomalies.forget_networks(timezone.now()) == 1
    (finding,) = found(Rule.NEW_NETWORK)
    assert finding.details == {"networks": ["198.51.100.0/24"]}


def test_one_more_network_of_a_host_in_a_cloud_tells_nothing(acme: Tenant) -> None:
    for n in range(8):
        calls(acme, 1, address=f"192.0.{n}.7")
    found(Rule.NEW_NETWORK)
    calls(acme, 1, address="198.51.100.7")
    assert found(Rule.NEW_NETWORK) == []


def test_a_dead_token_does_not_make_a_network_known(acme: Tenant) -> None:
    calls(acme, 1, address="192.0.2.7")
    calls(acme, 5, "invalid_token", address="198.51.100.7")
    assert found(Rule.NEW_NETWORK) == []
    assert SeenNetwork.objects.get().network == "192.0.2.0/24"


def test_the_rules_cost_as_many_queries_for_many_tenants_as_for_one(acme: Tenant, mallory) -> None:
    calls(acme, 3, "not_found")
    with CaptureQueriesContext(
        connection,
    ) as one:
        anomalies.find_all(timezone.now())
    for n in range(3):
        calls(mallory.tenant, 2, "not_found", token_id=uuid.UUID(int=n), address=f"192.0.{n}.1")
    with CaptureQueriesContext(connection) as many:
        anomalies.find_all(timezone.now())
    assert len(many) == len(one) <= 8


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.0/24"),
        ("::ffff:192.0.2.7", "192.0.2.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("", ""),
        ("unknown", ""),
    ],
)
def test_networks(address: str, network: str) -> None:
    assert network_of(address) == network
