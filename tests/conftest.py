"""Servers and cast for the whole suite."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from cliqtel_portal import embedded

if TYPE_CHECKING:
    from cliqtel_portal.accounts.models import Membership, Tenant

_servers = ExitStack()


def pytest_configure(config: pytest.Config) -> None:
    """Start PostgreSQL and Valkey once for the run, before Django's settings are read.

    xdist workers are children of the process that started them and inherit the addresses.
    """
    if hasattr(config, "workerinput") or "DATABASE_URL" in os.environ:
        return
    started = _servers.enter_context(embedded.servers(embedded.data_dir() / "test", durable=False))
    os.environ["DATABASE_URL"] = started.database_url
    os.environ["VALKEY_URL"] = started.valkey_url


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        _servers.close()


@pytest.fixture
def acme(db: None) -> Tenant:
    from tests.factories.accounts import TenantFactory

    return TenantFactory(slug="acme-test", name="Acme Test", tier="automate")


@pytest.fixture
def alice(acme: Tenant) -> Membership:
    """Owner of acme."""
    from tests.factories.accounts import MembershipFactory

    return MembershipFactory(tenant=acme, role="owner", user__email="alice@acme.example")


@pytest.fixture
def bob(acme: Tenant) -> Membership:
    """Member of acme."""
    from tests.factories.accounts import MembershipFactory

    return MembershipFactory(tenant=acme, role="member", user__email="bob@acme.example")


@pytest.fixture
def mallory(db: None) -> Membership:
    """Owner of another tenant."""
    from tests.factories.accounts import MembershipFactory

    return MembershipFactory(
        tenant__slug="malice",
        tenant__name="Malice Ltd",
        role="owner",
        user__email="mallory@malice.example",
    )
