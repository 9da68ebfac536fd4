"""Pytest plugin: PostgreSQL and Valkey for the run, up before Django's settings are read."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import ExitStack

import pytest

from cliqtel_portal import embedded

_servers = ExitStack()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, None, None]:
    """xdist's workers inherit the addresses from the process that started the servers."""
    folder = embedded.data_dir() / "test"
    started = _servers.enter_context(embedded.servers(folder, durable=False))
    os.environ["DATABASE_URL"] = started.database_url
    os.environ["VALKEY_URL"] = started.valkey_url
    return (yield)


def pytest_unconfigure(config: pytest.Config) -> None:
    _servers.close()
