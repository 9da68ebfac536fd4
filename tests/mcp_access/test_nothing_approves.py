"""A bearer token asks; only a person's session decides. No door that a token opens leads there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from django.conf import settings
from django.urls import URLPattern, URLResolver, get_resolver
from websockets.exceptions import InvalidStatus

from approvals.models import Approval, Decision
from tests.cliqtel_portal.notices.sockets import close_code, socket
from tests.factories.approvals import make_approval
from tests.factories.mcp_access import EVERY_SCOPE, make_token

ROOT = Path(__file__).resolve().parents[2]
DECIDING = {"approve", "reject", "set_policy"}


def routes(patterns: list[URLPattern | URLResolver], prefix: str = "") -> Iterator[str]:
    for entry in patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from routes(entry.url_patterns, route)
        else:
            yield route


@pytest.mark.wire
@pytest.mark.django_db(transaction=True)
def test_no_address_lets_a_token_in_that_could_decide(web, post, alice):
    approval = make_approval(alice)
    _, token = make_token(alice, scopes=EVERY_SCOPE)
    answer = post(token, "tools/call", {"name": "whoami", "arguments": {}})
    assert answer.status_code == 200, "the token is a good one"
    key = str(approval.pk)
    guarded = ("api/v1/", "approvals/", "settings/", "admin/approvals/")
    paths = sorted(
        "/" + re.sub("<slug:[^>]*>", "purchase_number", re.sub("<uuid:[^>]*>", key, route))
        for route in routes(get_resolver().url_patterns)
        if route.startswith(guarded) and "<path:" not in route
    )
    assert {
        f"/api/v1/approvals/{key}/approve",
        f"/api/v1/approvals/{key}/reject/",
        "/api/v1/approval-policies/purchase_number/",
    } <= set(paths)
    body = {"digest": approval.digest}
    with httpx2.Client(
        base_url=web.origin, headers={"Authorization": f"Bearer {token}"}, timeout=30
    ) as client:
        for path in paths:
            for answer in (
                client.get(path),
                client.post(path, json=body),
                client.post(path, data=body),
                client.put(path, json=body),
                client.delete(path),
                client.post(f"{path}?access_token={token}", json={**body, "access_token": token}),
            ):
                assert answer.status_code in {302, 401, 403, 404, 405}, path
                if answer.status_code == 302:
                    assert "/login/" in answer.headers["location"], path
    for options in ({"headers": {"Authorization": f"Bearer {token}"}}, {"subprotocols": [token]}):
        with pytest.raises(InvalidStatus) as caught, socket(web, None, origin=None, **options):
            pass
        assert caught.value.response.status_code == 403
    with socket(web, None, path=f"/ws/events/?access_token={token}") as opened:
        assert close_code(opened) == 4401
    approval.refresh_from_db()
    assert approval.status == "pending"
    assert not Decision.objects.exists()
    assert Approval.objects.count() == 1


def test_no_code_behind_a_token_knows_how_to_decide():
    files = [
        path
        for folder in ("mcp_access", "cliqtel_portal/deeds")
        for path in (ROOT / folder).rglob("*.py")
        if "migrations" not in path.parts
    ]
    assert ROOT / "mcp_access/catalog/whoami.py" in files
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in files
        for node in ast.walk(ast.parse(path.read_text()))
        if (isinstance(node, ast.Attribute) and node.attr in DECIDING)
        or (isinstance(node, ast.Name) and node.id in DECIDING)
        or (isinstance(node, ast.ImportFrom) and DECIDING & {each.name for each in node.names})
    ]
    assert found == []


def test_the_portal_has_no_other_way_of_signing_in_than_a_session():
    assert settings.REST_FRAMEWORK["DEFAULT_AUTHENTICATION_CLASSES"] == [
        "cliqtel_portal.api_requests.BrowserSession"
    ]
    assert not any("oauth2_provider" in each for each in settings.MIDDLEWARE)
    assert not any("oauth2_provider" in each for each in settings.AUTHENTICATION_BACKENDS)
