"""A variable that can't be read is refused by its name, and what it holds stays unsaid."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from cliqtel_portal.settings.environment import (
    Environment,
    database_url,
    email_url,
    port,
    rate,
    valkey_url,
)

NAME = "CLIQTEL_TEST_VARIABLE"


@pytest.mark.parametrize(
    ("cast", "value", "words"),
    [
        (int, "ten", "a whole number"),
        (int, "", "a whole number"),
        (bool, "enabled", "true or false"),
        (port, "0", "from 1 to 65535"),
        (port, "65536", "from 1 to 65535"),
        (rate, "often", "as in 10/5m"),
        (rate, "10/m every day", "as in 10/5m"),
        (valkey_url, "http://valkey.example.test:6379", "redis:// or rediss://"),
        (valkey_url, "redis:///0", "redis:// or rediss://"),
        (database_url, "mysql://db.example.test/portal", "postgres:// or postgresql://"),
        # A slash in the password ends the address: the rest of it would be the port.
        (database_url, "postgres://portal:half/other@db/portal", "percent-encoded"),
        (email_url, "mail://secret@mail.example.test", "as in smtp+tls://"),
    ],
)
def test_a_wrong_variable_is_named_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, cast: Callable[[str], Any], value: str, words: str
) -> None:
    monkeypatch.setenv(NAME, value)
    with pytest.raises(ImproperlyConfigured, match=f"^{NAME} must be ") as refused:
        Environment()(NAME, cast=cast)
    assert words in str(refused.value)
    assert not value or value not in str(refused.value)
    assert refused.value.__suppress_context__, "a traceback would show it"


@pytest.mark.parametrize(
    ("cast", "value", "read"),
    [
        (int, "12", 12),
        (bool, "True", True),
        (bool, "off", False),
        (bool, "", False),
        (port, "65535", 65535),
        (rate, "10/5m", "10/5m"),
        (valkey_url, "rediss://:secret@valkey.example.test:6379/0", None),
    ],
)
def test_what_is_right_is_read(
    monkeypatch: pytest.MonkeyPatch, cast: Callable[[str], Any], value: str, read: object
) -> None:
    monkeypatch.setenv(NAME, value)
    assert Environment()(NAME, cast=cast) == (value if read is None else read)


def test_a_database_url_is_taken_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, "postgresql://portal:a%2Fb@db.example.test:5433/portal")
    read = Environment()(NAME, cast=database_url)
    assert (read["HOST"], read["PORT"], read["USER"], read["PASSWORD"], read["NAME"]) == (
        "db.example.test",
        5433,
        "portal",
        "a/b",
        "portal",
    )
