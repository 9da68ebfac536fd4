"""Scope, tier, role, burst and month: who is refused with what, and what the log says."""

from __future__ import annotations

import concurrent.futures
import re
import time

import httpx2
import pytest

from audit.models import MonthlyUsage, ToolCall
from audit.services import is_authentic
from cliqtel_portal.accounts.models import Tenant
from mcp_access.tools import registry
from tests.factories.mcp_access import DISCOVER, make_token
from tests.wire import daphne

pytestmark = [pytest.mark.wire, pytest.mark.django_db(transaction=True)]


def test_a_lacking_scope_is_403_with_the_scopes_to_ask_for(alice, post):
    _, plaintext = make_token(alice, scopes=("mcp.docs.read",))
    answer = post(plaintext, "tools/call", {"name": "list_inventory", "arguments": {"junk": 1}})
    assert answer.status_code == 403
    challenge = answer.headers["www-authenticate"]
    assert 'error="insufficient_scope"' in challenge
    assert 'scope="mcp.docs.read mcp.inventory.read"' in challenge
    assert "resource_metadata=" in challenge
    body = answer.json()
    assert (body["id"], body["error"]["data"]["code"]) == (1, "insufficient_scope")
    row = ToolCall.objects.get()
    assert (row.status, row.error_code, row.counted) == ("error", "insufficient_scope", False)
    assert row.scope_required == "mcp.inventory.read"
    assert is_authentic(row)


def test_every_scoped_tool_is_closed_without_its_scope(alice, post):
    for tool in registry.all_tools().values():
        if tool.scope is None:
            continue
        others = tuple(scope for scope in DISCOVER if scope != tool.scope)
        _, plaintext = make_token(alice, scopes=others)
        assert post(plaintext, "tools/call", {"name": tool.name}).status_code == 403, tool.name


def test_scopes_shrink_with_the_role_at_once(alice, post):
    _, plaintext = make_token(alice, scopes=("mcp.docs.read", "mcp.numbers.purchase"))
    before = post(plaintext, "tools/call", {"name": "whoami"}).json()["result"]
    assert "mcp.numbers.purchase" in before["structuredContent"]["scopes"]
    alice.role = "member"
    alice.save()
    after = post(plaintext, "tools/call", {"name": "whoami"}).json()["result"]
    assert after["structuredContent"]["scopes"] == ["mcp.docs.read"]


def test_scopes_shrink_with_the_tier_at_once(alice, post):
    _, plaintext = make_token(alice, scopes=("mcp.docs.read", "mcp.orders.draft"))
    Tenant.objects.update(tier="discover")
    result = post(plaintext, "tools/call", {"name": "whoami"}).json()["result"]
    assert result["structuredContent"]["scopes"] == ["mcp.docs.read"]


def test_burst_is_exact_and_says_when_to_come_back(alice, post):
    _, plaintext = make_token(alice, burst_per_minute=5)
    _, other = make_token(alice, burst_per_minute=5)
    statuses = [post(plaintext, "tools/call", {"name": "whoami"}).status_code for _ in range(5)]
    assert statuses == [200] * 5
    refused = post(plaintext, "tools/call", {"name": "whoami"})
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 61
    error = refused.json()["error"]
    assert error["data"]["code"] == "rate_limited"
    assert error["data"]["limit"] == 5
    assert post(other, "tools/call", {"name": "whoami"}).status_code == 200
    assert post(plaintext, "ping").status_code == 200, "other methods have a ceiling of their own"
    row = ToolCall.objects.get(error_code="rate_limited")
    assert not row.counted


def test_a_call_is_told_the_state_of_its_minute(alice, post):
    _, plaintext = make_token(alice, burst_per_minute=2, scopes=("mcp.docs.read",))
    first = post(plaintext, "tools/call", {"name": "whoami"})
    assert first.headers["ratelimit-policy"] == '"burst";q=2;w=60'
    assert re.fullmatch(r'"burst";r=1;t=\d\d', first.headers["ratelimit"])
    assert "RateLimit-Policy" in first.headers["access-control-expose-headers"]
    step_up = post(plaintext, "tools/call", {"name": "list_inventory"})
    assert step_up.status_code == 403
    assert step_up.headers["ratelimit"].startswith('"burst";r=0;'), "it took its place as well"
    refused = post(plaintext, "tools/call", {"name": "whoami"})
    wait = refused.headers["retry-after"]
    assert (refused.status_code, refused.headers["ratelimit"]) == (429, f'"burst";r=0;t={wait}')
    assert "ratelimit" not in post(plaintext, "ping").headers


def test_the_call_after_the_tiers_minute_is_429(alice, web, post):
    """Issue 5, done-when 3: the 61st on Discover, the 301st on Automate, in two processes too."""
    Tenant.objects.update(tier="discover")
    call_and_be_refused(post, make_token(alice)[1], [web.mcp], 60)
    Tenant.objects.update(tier="automate")
    with daphne() as second:
        call_and_be_refused(post, make_token(alice)[1], [web.mcp, second.mcp], 300)
    assert MonthlyUsage.objects.get().calls == ToolCall.objects.filter(counted=True).count() == 360


def call_and_be_refused(post, plaintext, urls, burst):
    def call(number: int) -> httpx2.Response:
        url = urls[number % len(urls)]
        return post(plaintext, "tools/call", {"name": "whoami"}, url=url)

    started = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert {answer.status_code for answer in pool.map(call, range(burst))} == {200}
    for number in range(len(urls)):
        refused = call(number)
        assert refused.status_code == 429
        data = refused.json()["error"]["data"]
        assert (data["code"], data["limit"]) == ("rate_limited", burst)
        # Right: the first call leaves the window a minute after it was made.
        left = 60 - (time.monotonic() - started)
        assert left <= int(refused.headers["retry-after"]) <= 61


def test_other_methods_have_ten_times_the_burst(alice, post):
    _, plaintext = make_token(alice, burst_per_minute=2)
    statuses = [post(plaintext, "ping").status_code for _ in range(21)]
    assert statuses == [200] * 20 + [429]
    assert not ToolCall.objects.exists()


def test_a_hard_month_is_refused_until_it_resets(alice, post):
    Tenant.objects.update(tier="discover", calls_per_month=3)
    _, plaintext = make_token(alice)
    statuses = [post(plaintext, "tools/call", {"name": "whoami"}).status_code for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
    data = post(plaintext, "tools/call", {"name": "whoami"}).json()["error"]["data"]
    assert data["code"] == "quota_exceeded"
    assert data["resets_at"].endswith("-01T00:00:00Z")
    assert MonthlyUsage.objects.get().calls == 3
    assert ToolCall.objects.filter(counted=True).count() == 3
    refused = ToolCall.objects.filter(error_code="quota_exceeded")
    assert refused.count() == 2
    assert all(is_authentic(row) for row in refused)


def test_a_soft_month_goes_on(alice, post):
    Tenant.objects.update(calls_per_month=1)
    _, plaintext = make_token(alice)
    statuses = [post(plaintext, "tools/call", {"name": "whoami"}).status_code for _ in range(3)]
    assert statuses == [200] * 3
    assert MonthlyUsage.objects.get().calls == 3


def test_parallel_calls_never_pass_a_hard_month(alice, post):
    Tenant.objects.update(tier="discover", calls_per_month=10)
    _, plaintext = make_token(alice)
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        calls = [pool.submit(post, plaintext, "tools/call", {"name": "whoami"}) for _ in range(30)]
        statuses = [call.result().status_code for call in calls]
    assert sorted(statuses) == [200] * 10 + [429] * 20
    assert MonthlyUsage.objects.get().calls == 10 == ToolCall.objects.filter(counted=True).count()
