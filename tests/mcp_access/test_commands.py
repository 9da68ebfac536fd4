"""`manage.py mcp_token` and `manage.py mcp_call`, as scripts use them."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from audit.models import ToolCall
from cliqtel_portal.accounts.models import Membership, User
from mcp_access import tokens
from mcp_access.models import AccessToken
from tests.factories.mcp_access import make_token
from tests.wire import Web, free_port

REPOSITORY = Path(__file__).resolve().parents[2]


def mcp_token(*arguments: str) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    call_command("mcp_token", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def create(**options: str) -> tuple[str, str]:
    given = {
        "tenant": "acme-test",
        "user": "bob@acme.example",
        "name": "Laptop",
        "scopes": "mcp.inventory.read, mcp.docs.read",
    } | options
    return mcp_token(
        "create", *(f"--{name.replace('_', '-')}={value}" for name, value in given.items())
    )


# -- mcp_token ------------------------------------------------------------------------------------


def test_create_prints_the_plaintext_alone(bob: Membership) -> None:
    out, err = create(expires_days="7", cidr="192.0.2.7/24")
    plaintext = out.removesuffix("\n")
    assert tokens.has_valid_form(plaintext)
    token = AccessToken.objects.get(token_checksum=tokens.digest(plaintext))
    assert (token.user, token.tenant, token.name) == (bob.user, bob.tenant, "Laptop")
    assert token.scope == "mcp.docs.read mcp.inventory.read"
    assert token.allowed_cidrs == ["192.0.2.0/24"]
    assert timedelta(days=6, hours=23) < token.expires - timezone.now() <= timedelta(days=7)
    assert str(token.pk) in err
    assert plaintext not in err


def test_create_lasts_ninety_days_unless_told_otherwise(bob: Membership) -> None:
    create(user="BOB@acme.example")
    left = AccessToken.objects.get().expires - timezone.now()
    assert timedelta(days=89, hours=23) < left <= timedelta(days=90)


def test_create_names_every_problem(bob: Membership) -> None:
    with pytest.raises(CommandError) as caught:
        create(name=" ", scopes="mcp.numbers.purchase,mcp.nothing", expires_days="366", cidr="here")
    lines = str(caught.value).splitlines()
    assert lines[0] == "The token can't be made as asked."
    assert [line.split(":")[0].strip() for line in lines[1:]] == [
        "name",
        "scopes",
        "scopes",
        "expires",
        "allowed_cidrs",
    ]
    assert not AccessToken.objects.exists()


@pytest.mark.parametrize("days", ["0", "-1", "366", "999999999", "99999999999999999999"])
def test_create_refuses_days_that_no_token_lives(bob: Membership, days: str) -> None:
    with pytest.raises(CommandError):
        create(expires_days=days)
    assert not AccessToken.objects.exists()


def test_create_refuses_when_all_connections_are_in_use(bob: Membership) -> None:
    for number in range(5):
        make_token(bob, name=str(number))
    with pytest.raises(CommandError, match="Disconnect another first"):
        create()


@pytest.mark.parametrize(
    "options",
    [
        {"tenant": "nobody"},
        {"user": "nobody@acme.example"},
        {"user": "mallory@malice.example"},
        {"tenant": "malice"},
    ],
)
def test_create_is_for_members_of_the_tenant(
    bob: Membership, mallory: Membership, options: dict[str, str]
) -> None:
    with pytest.raises(CommandError, match="is no active member of that tenant"):
        create(**options)
    assert not AccessToken.objects.exists()


def test_create_is_not_for_those_who_left_or_are_disabled(bob: Membership) -> None:
    User.objects.update(is_active=False)
    with pytest.raises(CommandError, match="no active member"):
        create()
    User.objects.update(is_active=True)
    Membership.objects.update(ended_at=timezone.now())
    with pytest.raises(CommandError, match="no active member"):
        create()


def test_list_shows_the_tenants_tokens_and_never_a_secret(
    bob: Membership, mallory: Membership
) -> None:
    plaintext = create()[0].strip()
    dead, dead_plaintext = make_token(bob, name="Old", revoked_at=timezone.now())
    other, _ = make_token(mallory)
    out, _ = mcp_token("list", "--tenant", "acme-test")
    lines = out.splitlines()
    assert len(lines) == 2
    assert f"ct_mcp_…{plaintext[-4:]}" in lines[0]
    assert "active" in lines[0]
    assert "bob@acme.example" in lines[0]
    assert lines[0].endswith("Laptop")
    assert lines[1].startswith(str(dead.pk))
    assert "revoked" in lines[1]
    assert str(other.pk) not in out
    for secret in (plaintext, dead_plaintext):
        assert secret[:-4] not in out
        assert tokens.digest(secret) not in out


def test_list_refuses_an_unknown_tenant(acme: Any) -> None:
    with pytest.raises(CommandError, match="There is no tenant nobody"):
        mcp_token("list", "--tenant", "nobody")


def test_revoke_ends_a_token_and_may_be_repeated(bob: Membership) -> None:
    token, _ = make_token(bob)
    assert mcp_token("revoke", str(token.pk)) == ("", "revoked\n")
    first = AccessToken.objects.get().revoked_at
    assert first is not None
    assert mcp_token("revoke", str(token.pk)) == ("", "was revoked already\n")
    assert AccessToken.objects.get().revoked_at == first


def test_rotate_prints_the_successor_alone_and_leaves_a_day(bob: Membership) -> None:
    old, old_plaintext = make_token(bob)
    out, err = mcp_token("rotate", str(old.pk))
    new = AccessToken.objects.get(token_checksum=tokens.digest(out.removesuffix("\n")))
    assert out.strip() != old_plaintext
    assert str(new.pk) in err
    old.refresh_from_db()
    assert old.replaced_by == new
    left = old.expires - timezone.now()
    assert timedelta(hours=23, minutes=59) < left <= timedelta(hours=24)
    mcp_token("rotate", str(new.pk), "--overlap-hours", "0")
    new.refresh_from_db()
    assert new.state == "expired"


@pytest.mark.parametrize("hours", ["-1", "169", "99999999999999999999"])
def test_rotate_refuses_an_overlap_beyond_a_week(bob: Membership, hours: str) -> None:
    token, _ = make_token(bob)
    with pytest.raises(CommandError):
        mcp_token("rotate", str(token.pk), f"--overlap-hours={hours}")
    assert AccessToken.objects.count() == 1


def test_rotate_and_revoke_say_what_is_wrong(bob: Membership) -> None:
    dead, _ = make_token(bob, revoked_at=timezone.now())
    with pytest.raises(CommandError, match="no longer live"):
        mcp_token("rotate", str(dead.pk))
    for action in ("rotate", "revoke"):
        with pytest.raises(CommandError, match="There is no such token"):
            mcp_token(action, str(uuid.uuid4()))
        with pytest.raises(CommandError, match="invalid UUID"):
            mcp_token(action, "not-an-id")


# -- mcp_call -------------------------------------------------------------------------------------


def mcp_call(*arguments: str) -> Any:
    """The JSON that it prints. In a thread: it runs an event loop of its own."""
    out = io.StringIO()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(call_command, "mcp_call", *arguments, stdout=out).result()
    return json.loads(out.getvalue())


@pytest.mark.wire
@pytest.mark.django_db(transaction=True)
def test_call_prints_json_and_ends_with_what_came_of_it(alice: Membership, web: Web) -> None:
    _, plaintext = make_token(alice)

    def in_terminal(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "manage.py", "mcp_call", *arguments, "--url", web.mcp],
            cwd=REPOSITORY,
            env={
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "cliqtel_portal.settings.test",
                "CLIQTEL_MCP_TOKEN": plaintext,
            },
            capture_output=True,
            text=True,
            check=False,
        )

    done = in_terminal("search_docs", "query=roll back", "limit=5")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["status"] == "ok"
    assert ToolCall.objects.get().arguments == {"query": "roll back", "limit": 5}

    failed = in_terminal("search_docs", "query=", "limit=five")
    assert (failed.returncode, failed.stderr) == (1, "")
    assert json.loads(failed.stdout)["error"]["code"] == "invalid_arguments"


@pytest.mark.wire
@pytest.mark.django_db(transaction=True)
def test_call_says_in_words_why_there_is_no_result(alice: Membership, web: Web) -> None:
    _, plaintext = make_token(alice, scopes=("mcp.docs.read",))
    url = ["--url", web.mcp]
    assert mcp_call("whoami", "--token", plaintext, *url)["tenant"]["slug"] == "acme-test"
    refusals = {
        ("whoami", "--token", tokens.generate(), *url): "valid bearer token",
        ("whoami", "--token", "not a token", *url): "valid bearer token",
        ("list_inventory", "--token", plaintext, *url): "lacks the scope mcp.inventory.read",
        ("no_such_tool", "--token", plaintext, *url): "There is no such tool",
        ("whoami", "--token", "ct_mcp_…abcd", *url): "That is no token",
        ("whoami", "--token", plaintext, "--url", f"{web.origin}/healthz"): "error response",
        ("whoami", "--token", plaintext, "--url", "nonsense"): "The request failed",
        (
            "whoami",
            "--token",
            plaintext,
            "--url",
            f"http://127.0.0.1:{free_port()}/mcp",
        ): "Nothing answers at that address",
        ("whoami", "key", "--token", plaintext, *url): "Write key=value",
    }
    for arguments, words in refusals.items():
        with pytest.raises(CommandError) as caught:
            mcp_call(*arguments)
        assert words in str(caught.value), arguments
        assert plaintext not in str(caught.value)


def test_call_without_a_token_says_how_to_give_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("CLIQTEL_MCP_TOKEN", raising=False)
    monkeypatch.setenv("CLIQTEL_DATA_DIR", str(tmp_path))
    with pytest.raises(CommandError, match="Give --token"):
        mcp_call("whoami")
