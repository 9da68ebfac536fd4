"""Who gets in, and that nobody learns why not."""

from __future__ import annotations

from datetime import timedelta

import httpx2
import pytest
from django.utils import timezone

from audit.models import ToolCall
from cliqtel_portal.accounts.models import Tenant, User
from cliqtel_portal.notices.models import Event
from mcp_access import tokens
from mcp_access.models import AccessToken
from tests.factories.mcp_access import EVERY_SCOPE, make_token
from tests.wire import eventually

pytestmark = [pytest.mark.wire, pytest.mark.django_db(transaction=True)]

DISCOVER = "mcp.callflows.read mcp.docs.read mcp.inventory.read mcp.pricing.read"


def test_no_token_gets_a_challenge_that_names_the_metadata_and_scopes(post):
    answer = post(None, "tools/list")
    assert answer.status_code == 401
    challenge = answer.headers["www-authenticate"]
    assert challenge.startswith("Bearer ")
    assert (
        'resource_metadata="http://127.0.0.1:8000/.well-known/oauth-protected-resource/mcp"'
        in challenge
    )
    assert f'scope="{DISCOVER}"' in challenge
    assert "error=" not in challenge
    assert answer.headers["access-control-expose-headers"].startswith("WWW-Authenticate")
    assert answer.headers["cache-control"] == "no-store"


def revoked(token, alice):
    token.revoke()


def expired(token, alice):
    AccessToken.objects.filter(pk=token.pk).update(expires=timezone.now())


def not_yet_valid(token, alice):
    AccessToken.objects.filter(pk=token.pk).update(not_before=timezone.now() + timedelta(hours=1))


def person_disabled(token, alice):
    User.objects.filter(pk=alice.user_id).update(is_active=False)


def membership_ended(token, alice):
    alice.ended_at = timezone.now()
    alice.save()


def became_viewer(token, alice):
    alice.role = "viewer"
    alice.save()


def tenant_suspended(token, alice):
    Tenant.objects.filter(pk=alice.tenant_id).update(status="suspended")


def other_audience(token, alice):
    AccessToken.objects.filter(pk=token.pk).update(resource=["https://other.example/mcp"])


def no_audience(token, alice):
    AccessToken.objects.filter(pk=token.pk).update(resource=[])


def address_not_allowed(token, alice):
    AccessToken.objects.filter(pk=token.pk).update(allowed_cidrs=["192.0.2.0/24"])


CAUSES = [
    revoked,
    expired,
    not_yet_valid,
    person_disabled,
    membership_ended,
    became_viewer,
    tenant_suspended,
    other_audience,
    no_audience,
    address_not_allowed,
]


@pytest.mark.parametrize("cause", CAUSES)
def test_a_token_dies_at_once_and_the_call_is_in_the_log(cause, alice, post):
    token, plaintext = make_token(alice)
    assert post(plaintext, "tools/call", {"name": "whoami"}).status_code == 200
    cause(token, alice)
    answer = post(plaintext, "tools/call", {"name": "whoami"})
    assert answer.status_code == 401
    row = ToolCall.objects.latest("id")
    assert (row.error_code, row.counted, row.token_id) == ("invalid_token", False, token.pk)


def test_all_causes_get_one_answer(alice, post):
    answers = set()
    for cause in CAUSES:
        token, plaintext = make_token(alice)
        cause(token, alice)
        answer = post(plaintext, "tools/call", {"name": "whoami"})
        answers.add((answer.status_code, answer.text, answer.headers["www-authenticate"]))
        alice.role, alice.ended_at = "owner", None
        alice.save()
        User.objects.update(is_active=True)
        Tenant.objects.update(status="active")
    for unknown in (tokens.generate(), "ct_mcp_short", "ct_mcpr_" + "x" * 49, "ey.x.y", "x" * 400):
        answer = post(unknown, "tools/call", {"name": "whoami"})
        answers.add((answer.status_code, answer.text, answer.headers["www-authenticate"]))
    assert len(answers) == 1
    (_, body, challenge) = answers.pop()
    assert 'error="invalid_token"' in challenge
    assert "revoked" not in body
    assert "expired" not in body


@pytest.mark.parametrize(
    "value",
    ["Basic eDp5", "Bearer", "Bearer  {token}", "Bearer\t{token}", "Bearer {token} x", "{token}"],
)
def test_only_one_bearer_with_one_space_counts(value, alice, web):
    _, plaintext = make_token(alice)
    message = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    headers = [
        ("accept", "application/json, text/event-stream"),
        ("authorization", value.format(token=plaintext)),
    ]
    assert httpx2.post(web.mcp, json=message, headers=headers).status_code == 401


def test_two_authorization_headers_are_refused(alice, web):
    _, plaintext = make_token(alice)
    headers = [("authorization", f"Bearer {plaintext}")] * 2
    message = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    assert httpx2.post(web.mcp, json=message, headers=headers).status_code == 401


def test_any_case_of_bearer_is_accepted(alice, post):
    _, plaintext = make_token(alice)
    for scheme in ("bearer", "BEARER", "BeArEr"):
        answer = post(None, "ping", headers={"authorization": f"{scheme} {plaintext}"})
        assert answer.status_code == 200


def test_tokens_in_query_and_body_are_ignored(alice, web, post):
    _, plaintext = make_token(alice)
    answer = post(
        None, "ping", {"access_token": plaintext}, url=f"{web.mcp}?access_token={plaintext}"
    )
    assert answer.status_code == 401


def test_allowed_networks_let_in(alice, post):
    _, plaintext = make_token(alice, allowed_cidrs=["192.0.2.0/24", "127.0.0.0/8"])
    assert post(plaintext, "ping").status_code == 200


def test_forwarded_addresses_are_ignored_without_trusted_proxies(alice, post):
    _, plaintext = make_token(alice, allowed_cidrs=["192.0.2.0/24"])
    answer = post(plaintext, "ping", headers={"x-forwarded-for": "192.0.2.9"})
    assert answer.status_code == 401


def test_last_use_is_kept_with_tool_and_client_and_told_once(alice, post):
    token, plaintext = make_token(alice)
    post(plaintext, "tools/call", {"name": "whoami"}, headers={"user-agent": "probe/1"})

    def is_kept():
        token.refresh_from_db()
        return bool(token.last_used_tool)

    assert eventually(is_kept)
    assert token.last_used_tool == "whoami"
    assert token.last_used_client == "probe/1"
    assert str(token.last_used_address) == "127.0.0.1"
    assert eventually(Event.objects.filter(kind="token.used", user=alice.user).exists)
    first = token.last_used_at
    post(plaintext, "tools/call", {"name": "whoami"})
    token.refresh_from_db()
    assert token.last_used_at == first
    assert Event.objects.count() == 1


def test_an_owner_of_two_tenants_gets_the_tenant_of_the_token(alice, mallory, post):
    other = mallory.tenant
    membership = type(alice).objects.create(user=alice.user, tenant=other, role="member")
    _, plaintext = make_token(membership)
    result = post(plaintext, "tools/call", {"name": "whoami"}).json()["result"]
    assert result["structuredContent"]["tenant"]["slug"] == "malice"
    assert result["structuredContent"]["user"]["role"] == "member"


def test_a_restricted_token_lists_and_calls_what_reads_and_nothing_else(alice, post):
    token, plaintext = make_token(alice, scopes=EVERY_SCOPE)
    AccessToken.objects.filter(pk=token.pk).update(restricted_at=timezone.now())
    listed = post(plaintext, "tools/list", {}).json()["result"]["tools"]
    names = {tool["name"] for tool in listed}
    assert "search_numbers" in names
    assert "send_message" not in names
    assert post(plaintext, "tools/call", {"name": "whoami"}).status_code == 200
    answer = post(plaintext, "tools/call", {"name": "send_message", "arguments": {}})
    assert answer.status_code == 200  # not a step-up: more scopes would not help
    result = answer.json()["result"]
    assert result["isError"] is True
    assert result["structuredContent"]["error"]["code"] == "not_permitted"
    assert "after an alert this token may only read" in result["content"][0]["text"]
    assert ToolCall.objects.latest("id").error_code == "not_permitted"
