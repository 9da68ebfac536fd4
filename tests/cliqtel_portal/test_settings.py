"""Production refuses to start without what it must be told, and names it."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from cliqtel_portal.settings.keys import keys_by_id

REPOSITORY = Path(__file__).resolve().parents[2]
CHECK_DEPLOY = REPOSITORY / ".ci" / "check_deploy.py"
# What a server is told, by variable: the very environment of the deployment check.
ENVIRONMENT: dict[str, str] = runpy.run_path(str(CHECK_DEPLOY))["ENVIRONMENT"]
REQUIRED = sorted(ENVIRONMENT.keys() - {"DJANGO_SETTINGS_MODULE"})


def start(*command: str, **changes: str | None) -> subprocess.CompletedProcess[str]:
    """Run Python with production's environment and nothing else; None takes a variable away."""
    told = {"PATH": os.environ["PATH"], **ENVIRONMENT, **changes}
    return subprocess.run(
        [sys.executable, *(command or ("-c", "import cliqtel_portal.settings.prod"))],
        cwd=REPOSITORY,
        env={name: value for name, value in told.items() if value is not None},
        capture_output=True,
        text=True,
        check=False,
    )


def refusal(**changes: str | None) -> str:
    done = start(**changes)
    assert done.returncode != 0, "it started"
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("django.core.exceptions.ImproperlyConfigured: ")
    return last


def test_it_starts_with_all_that_it_must_be_told() -> None:
    done = start()
    assert (done.returncode, done.stderr) == (0, "")


def test_the_required_variables_are_those_of_the_contract() -> None:
    assert REQUIRED == [
        "AUDIT_KEY",
        "DATABASE_URL",
        "EMAIL_URL",
        "MCP_RESOURCE_URL",
        "OAUTH_ISSUER",
        "SECRET_KEY",
        "VALKEY_URL",
    ]


@pytest.mark.parametrize("name", REQUIRED)
def test_a_missing_variable_is_named(name: str) -> None:
    assert f"Set the environment variable {name}:" in refusal(**{name: None})


@pytest.mark.parametrize("name", ["SECRET_KEY", "DATABASE_URL"])
def test_an_empty_variable_is_missing(name: str) -> None:
    assert name in refusal(**{name: ""})


@pytest.mark.parametrize("name", ["OAUTH_ISSUER", "MCP_RESOURCE_URL"])
@pytest.mark.parametrize("url", ["http://portal.example.test", "https://", "portal.example.test"])
def test_an_origin_that_is_not_https_is_refused(name: str, url: str) -> None:
    assert f"{name} must be an https URL with a host" in refusal(**{name: url})


def test_a_short_audit_key_is_refused_and_not_shown() -> None:
    done = start(AUDIT_KEY="short-key-of-31-characters-0123")
    assert "AUDIT_KEY must have at least 32 characters." in done.stderr
    assert "short-key" not in done.stderr


def test_old_keys_are_known_after_a_change() -> None:
    done = start(
        "-c",
        "from cliqtel_portal.settings import prod\n"
        "print(prod.AUDIT_OLD_KEYS, prod.SECRET_KEY_FALLBACKS)",
        AUDIT_OLD_KEYS="k1:a=b:c==,k2:d",
        SECRET_KEY_FALLBACKS="one,two",
    )
    assert done.stdout == "{'k1': 'a=b:c==', 'k2': 'd'} ['one', 'two']\n"


@pytest.mark.parametrize("pair", ["k1=secret", "secret", ":secret", "k1:"])
def test_an_old_key_without_its_id_is_refused_and_not_shown(pair: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="AUDIT_OLD_KEYS must be pairs") as refused:
        keys_by_id("AUDIT_OLD_KEYS", ["k0:fine", pair])
    assert "secret" not in str(refused.value)


def test_a_command_says_it_too(tmp_path: Path) -> None:
    done = start("manage.py", "migrate", SECRET_KEY=None, CLIQTEL_DATA_DIR=str(tmp_path))
    assert done.returncode != 0
    assert "Set the environment variable SECRET_KEY" in done.stderr
    assert not list(tmp_path.iterdir()), "production starts no servers of its own"


def test_hosts_and_origins_follow_from_the_two_urls() -> None:
    done = start(
        "-c",
        "from cliqtel_portal.settings import prod\n"
        "print(prod.ALLOWED_HOSTS, prod.CSRF_TRUSTED_ORIGINS, prod.DEBUG)\n"
        "print(prod.LOGGING['formatters']['structured']['processors'][-1])",
    )
    hosts, renderer = done.stdout.splitlines()
    assert hosts == (
        "['portal.example.test', 'mcp.example.test'] ['https://portal.example.test'] False"
    )
    assert "JSONRenderer" in renderer


def test_the_deployment_check_is_clean() -> None:
    done = start(str(CHECK_DEPLOY))
    assert "no issues" in done.stdout + done.stderr
    assert done.returncode == 0
