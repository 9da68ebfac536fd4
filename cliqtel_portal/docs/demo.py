"""The documentation of the demo is the real one."""

from __future__ import annotations

from collections.abc import Mapping

from cliqtel_portal.accounts.models import Tenant
from cliqtel_portal.docs.loading import load_articles


def seed(tenants: Mapping[str, Tenant]) -> None:
    """The articles are loaded. They belong to no tenant; running it again changes nothing."""
    load_articles()
