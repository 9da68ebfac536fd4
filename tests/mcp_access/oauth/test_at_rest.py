"""A dump of the database lets nobody in: no token, code or secret is in it in plain text."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client

from cliqtel_portal.accounts.models import Membership
from mcp_access.models import AccessToken, Grant, RefreshToken
from mcp_access.services import issue_token
from tests.factories.mcp_access import make_token
from tests.mcp_access.oauth.host import Host
from tests.mcp_access.oauth.token_request import FORM, basic

pytestmark = pytest.mark.django_db


def columns() -> dict[str, list[str]]:
    """Of every table of ours."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, array_agg(column_name::text ORDER BY ordinal_position)"
            " FROM information_schema.columns"
            " JOIN information_schema.tables USING (table_schema, table_name)"
            " WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'"
            " GROUP BY 1 ORDER BY 1"
        )
        return dict(cursor.fetchall())


def places_of(*texts: str) -> list[str]:
    """The columns that hold one of the texts, whatever their type."""
    quote = connection.ops.quote_name
    tables = columns()
    has_one = (
        "EXISTS (SELECT FROM unnest(%(texts)s::text[]) AS one WHERE strpos({}::text, one) > 0)"
    )
    with connection.cursor() as cursor:

        def those_with(places: dict[str, tuple[str, str]]) -> list[str]:
            if not places:
                return []
            cursor.execute(
                " UNION ALL ".join(
                    f"SELECT '{name}' WHERE EXISTS"
                    f" (SELECT FROM {quote(table)} AS it WHERE {has_one.format(part)})"
                    for name, (table, part) in places.items()
                ),
                {"texts": list(texts)},
            )
            return [name for (name,) in cursor.fetchall()]

        # Whole rows first: a question for each of a thousand columns takes seconds.
        found = those_with({table: (table, "it") for table in tables})
        return those_with(
            {
                f"{table}.{column}": (table, f"it.{quote(column)}")
                for table in found
                for column in tables[table]
            }
        )


def spellings(secret: str) -> Iterator[str]:
    """The secret, and how it would look in binary columns or encoded."""
    raw = secret.encode()
    yield secret
    yield raw.hex()
    yield base64.b64encode(raw).decode().rstrip("=")[:-1]


def check_nowhere(secrets: dict[str, str]) -> None:
    sessions = str([session.get_decoded() for session in Session.objects.all()])
    for name, secret in secrets.items():
        assert len(secret) >= 30, name
        assert places_of(*spellings(secret)) == [], name
        assert secret not in sessions, name


def test_the_search_finds_what_is_there(alice: Membership) -> None:
    """Or the tests below could not fail."""
    token, _ = make_token(alice, note="a-remark-of-thirty-characters!", scopes=("mcp.docs.read",))
    assert places_of("a-remark-of-thirty-characters!") == ["mcp_access_accesstoken.note"]
    assert places_of(token.token_checksum) == ["mcp_access_accesstoken.token_checksum"]
    assert "mcp_access_accesstoken.resource" in places_of("http://127.0.0.1:8000/mcp")
    tables = columns().keys()
    assert {"django_session", "mcp_tool_calls", "oauth2_provider_application"} <= tables


def test_a_public_clients_whole_way_leaves_no_secret(client: Client, alice: Membership) -> None:
    host = Host(client).connect(alice)
    first = host.tokens
    renewed = host.refresh(first["refresh_token"]).json()
    used_code = host.code()
    last = host.redeem(used_code).json()
    pending_code = host.code()
    assert Grant.objects.count() == 1
    assert AccessToken.objects.count() == RefreshToken.objects.count() == 3

    check_nowhere(
        {
            "access token": first["access_token"],
            "spent refresh token": first["refresh_token"],
            "renewed access token": renewed["access_token"],
            "live refresh token": renewed["refresh_token"],
            "another access token": last["access_token"],
            "another refresh token": last["refresh_token"],
            "used code": used_code,
            "pending code": pending_code,
            "verifier": host.verifier,
        }
    )


def test_a_confidential_clients_whole_way_leaves_no_secret(
    client: Client, alice: Membership
) -> None:
    host = Host(client)
    host.register(token_endpoint_auth_method="client_secret_basic")
    client.force_login(alice.user)
    host.tokens = host.redeem(host.code()).json()
    client.post(
        "/oauth/token",
        f"grant_type=refresh_token&refresh_token={host.tokens['refresh_token']}",
        content_type=FORM,
        headers={"authorization": basic(host.client_id, host.secret)},
    )
    assert RefreshToken.objects.count() == 2
    check_nowhere({"client secret": host.secret, **_pair(host)})


def test_credentials_in_the_wrong_place_leave_no_trace(client: Client, alice: Membership) -> None:
    """Whoever mixes fields up must not write secrets into the log of attempts."""
    host = Host(client)
    host.register(token_endpoint_auth_method="client_secret_post")
    client.force_login(alice.user)
    host.tokens = host.redeem(host.code()).json()
    code, secret = host.code(), host.secret
    access, refresh = host.tokens["access_token"], host.tokens["refresh_token"]
    host.redeem(code, client_secret="wrong")
    host.redeem(refresh)
    host.refresh(access)
    host.refresh(code)
    host.refresh(refresh, scope=access)
    host.refresh(refresh, resource=refresh)
    host.post_token(grant_type=access)
    host.post_token(grant_type="refresh_token", **{refresh: "x"}, refresh_token="x")
    host.revoke(refresh, client_secret="wrong")
    for misplaced in (code, secret, access, refresh):
        host.post_token(grant_type="refresh_token", client_id=misplaced, refresh_token="x")
        host.revoke(misplaced, client_id=misplaced)
        host.revoke("x", token_type_hint=misplaced)
        swapped = basic(misplaced, host.client_id)
        body = "grant_type=refresh_token&refresh_token=x"
        client.post("/oauth/token", body, content_type=FORM, headers={"authorization": swapped})
    client.post(f"/oauth/token?refresh_token={refresh}", "", content_type=FORM)
    client.post("/oauth/token", f"{code}={code}&{code}={code}", content_type=FORM)
    client.post("/oauth/token", {"code": code}, headers={"authorization": f"Bearer {access}"})
    client.get(f"/oauth/authorize?client_id={host.client_id}&code={code}&scope={access}")
    check_nowhere({"client secret": secret, "code": code, **_pair(host)})


def test_a_static_token_leaves_no_secret(client: Client, alice: Membership) -> None:
    issued = issue_token(alice, name="CI", scopes=["mcp.docs.read"])
    check_nowhere({"static token": issued.plaintext})


def _pair(host: Host) -> dict[str, str]:
    return {
        "access token": host.tokens["access_token"],
        "refresh token": host.tokens["refresh_token"],
    }
