"""What a web process counts of its calls, asked over the wire."""

from __future__ import annotations

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.factories.mcp_access import make_token
from tests.wire import eventually

pytestmark = [pytest.mark.wire, pytest.mark.django_db(transaction=True)]


def scrape(origin: str) -> dict[tuple[str, ...], float]:
    """Value by name and label values, in the alphabetical order of the labels."""
    answer = httpx2.get(f"{origin}/metrics")
    assert answer.status_code == 200
    return {
        (sample.name, *(sample.labels[label] for label in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
        if sample.name.startswith("cliqtel_") and not sample.name.endswith("_bucket")
    }


def test_calls_refusals_and_strangers_are_counted(web, post, alice):
    _, token = make_token(alice, burst_per_minute=4, scopes=("mcp.docs.read",))
    before = scrape(web.origin)
    post(token, "tools/call", {"name": "whoami"})
    post(token, "tools/call", {"name": "search_docs", "arguments": {"wrong": 1}})
    post(token, "tools/call", {"name": "made_up_by_the_caller"})
    post(token, "tools/call", {"name": "list_inventory"})  # its scope is lacking
    post(token, "tools/call", {"name": "whoami"})  # the fifth
    post(None, "ping")
    post("ct_mcp_no_such", "ping")

    def grown() -> dict[tuple[str, ...], float]:
        after = scrape(web.origin)
        more = {name: after[name] - before.get(name, 0) for name in after}
        return {name: by for name, by in more.items() if by and not name[0].endswith("_sum")}

    wanted = {
        ("cliqtel_tool_calls_total", "ok", "whoami"): 1,
        ("cliqtel_tool_calls_total", "error", "search_docs"): 1,
        ("cliqtel_tool_calls_total", "error", "unknown"): 1,
        ("cliqtel_tool_call_duration_seconds_count", "ok", "whoami"): 1,
        ("cliqtel_tool_call_duration_seconds_count", "error", "search_docs"): 1,
        ("cliqtel_tool_call_duration_seconds_count", "error", "unknown"): 1,
        ("cliqtel_tool_call_errors_total", "invalid_arguments"): 1,
        ("cliqtel_tool_call_errors_total", "unknown_tool"): 1,
        ("cliqtel_mcp_refusals_total", "insufficient_scope"): 1,
        ("cliqtel_mcp_refusals_total", "rate_limited"): 1,
        ("cliqtel_mcp_auth_failures_total", "no_token"): 1,
        ("cliqtel_mcp_auth_failures_total", "wrong_form"): 1,
        ("cliqtel_mcp_responses_total", "200"): 3,
        ("cliqtel_mcp_responses_total", "401"): 2,
        ("cliqtel_mcp_responses_total", "403"): 1,
        ("cliqtel_mcp_responses_total", "429"): 1,
    }

    def of_calls() -> dict[tuple[str, ...], float]:
        kinds = ("cliqtel_tool_call", "cliqtel_mcp_")
        return {name: by for name, by in grown().items() if name[0].startswith(kinds)}

    assert eventually(lambda: of_calls() == wanted), of_calls()


def test_no_caller_becomes_a_label(web, post, alice):
    _, token = make_token(alice)
    post(token, "tools/call", {"name": "secret-project-name"})
    text = httpx2.get(f"{web.origin}/metrics").text
    assert "cliqtel_tool_calls_total" in text
    assert "secret-project-name" not in text
    assert alice.tenant.slug not in text
