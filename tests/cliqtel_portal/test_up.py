"""What `make run` does before and around its processes, and what it tells the person."""

from __future__ import annotations

import socket
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest
from django.core.management.base import CommandError
from django.db import connection
from pytest_django import Settings
from redis.exceptions import ConnectionError as ValkeyGone

from cliqtel_portal.embedded.locks import only_one
from cliqtel_portal.management.commands import up
from cliqtel_portal.processes import ADDRESS
from mcp_access.models import AccessToken
from tests.factories.accounts import MembershipFactory


def test_each_start_has_a_token_of_its_own_to_read_and_draft(db: None) -> None:
    MembershipFactory(
        tenant__slug="acme", tenant__tier="automate", user__email=up.OWNER, role="owner"
    )
    of_others = MembershipFactory(tenant__slug="globex", role="owner")

    first = up._new_token()
    second = up._new_token()

    assert first.startswith("ct_mcp_")
    assert first != second
    live = AccessToken.objects.static().live().get()
    assert (live.user.email, live.tenant.slug, live.last_four) == (up.OWNER, "acme", second[-4:])
    assert {scope.rpartition(".")[2] for scope in live.scope.split()} == {"read", "draft"}
    assert AccessToken.objects.static().count() == 2, "its predecessor is kept, and dead"
    assert not AccessToken.objects.filter(user=of_others.user).exists()


def test_an_owner_who_may_have_none_is_no_reason_not_to_start(db: None) -> None:
    assert up._new_token() == ""
    shown = up.banner("a-password", "")
    assert "none could be made for owner@acme.test" in shown
    assert "Authorization" not in shown


def test_the_banner_has_what_a_newcomer_pastes(settings: Settings) -> None:
    settings.OAUTH_ISSUER = "http://127.0.0.1:8123"
    settings.MCP_RESOURCE_URL = "http://127.0.0.1:8123/mcp"

    shown = up.banner("a-password", "ct_mcp_token")

    for words in (
        "Portal       http://127.0.0.1:8123/\n",
        "MCP          http://127.0.0.1:8123/mcp\n",
        "approver@acme.test",
        "staff@cliqtel.test",
        "Password     a-password\n",
        "claude mcp add --transport http cliqtel http://127.0.0.1:8123/mcp --header",
        "curl -s http://127.0.0.1:8123/mcp -H 'Authorization: Bearer ct_mcp_token'",
        "manage.py mcp_call search_numbers country=NL number_type=mobile --token ct_mcp_token",
    ):
        assert words in shown
    assert "--reset-password" in up.banner("", "ct_mcp_token"), "it is said once"


def test_a_second_start_is_told_of_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLIQTEL_DATA_DIR", str(tmp_path))
    with only_one(tmp_path / "up.lock") as is_only:
        assert is_only
        with pytest.raises(CommandError, match="make run is at work already") as refused:
            up.Command().handle()
    assert f"with the data in {tmp_path}." in str(refused.value)
    assert "CLIQTEL_DATA_DIR=" in str(refused.value)


def test_a_busy_port_is_named_with_a_free_one(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLIQTEL_DATA_DIR", str(tmp_path))
    with socket.socket() as other:
        other.bind((ADDRESS, 0))
        other.listen()
        settings.PORT = other.getsockname()[1]
        with pytest.raises(CommandError, match=rf"Port {settings.PORT} is busy.*PORT=\d+ make run"):
            up.Command().handle()


def test_servers_of_ones_own_that_do_not_answer_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**parameters: object) -> None:
        raise psycopg.OperationalError("connection to server at 10.0.0.9 failed")

    monkeypatch.setattr(connection, "get_connection_params", lambda: {"password": "hunter2"})
    monkeypatch.setattr(psycopg, "connect", refuse)
    with pytest.raises(CommandError, match=r"DATABASE_URL can't be used: .* 10.0.0.9") as refused:
        up._require_servers()
    assert "hunter2" not in str(refused.value)

    def get(key: str) -> None:
        raise ValkeyGone("Connection refused.")

    monkeypatch.setattr(psycopg, "connect", lambda **_: SimpleNamespace(close=lambda: None))
    monkeypatch.setattr(up, "cache", SimpleNamespace(get=get))
    with pytest.raises(CommandError, match=r"VALKEY_URL can't be used: Connection refused."):
        up._require_servers()


def test_a_start_that_takes_its_time_says_what_it_does(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    ran: list[str] = []
    monkeypatch.setattr(up, "call_command", lambda name, **_: ran.append(name))

    up._migrate(told.append)
    assert (told, ran) == ([], []), "nothing to do, nothing to say"

    monkeypatch.setattr(up.MigrationExecutor, "migration_plan", lambda *_: [object()] * 3)
    up._migrate(told.append)
    assert told == ["Setting up the database (3 steps, at first up to a minute) ..."]
    assert ran == ["migrate"]
