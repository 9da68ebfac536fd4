"""A portal whose name is its address, as OAuth clients demand; people with browsers; node."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from cliqtel_portal.accounts.models import Membership
from tests.clients.person import Person
from tests.wire import Web, daphne, free_port

# Every request here comes from one address; the limits have their own tests.
UNLIMITED = {
    f"RATE_LIMIT_{door}": "100000/m"
    for door in ("LOGIN", "REGISTER", "REGISTER_TOTAL", "AUTHORIZE", "TOKEN")
}


@pytest.fixture(scope="session")
def portal(django_db_setup: None, django_db_blocker: Any) -> Iterator[Web]:
    """A daphne whose issuer and resource are the origin that it listens on."""
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    with ExitStack() as stack:
        with django_db_blocker.unblock():
            running = stack.enter_context(
                daphne(
                    port=port,
                    OAUTH_ISSUER=origin,
                    MCP_RESOURCE_URL=f"{origin}/mcp",
                    **UNLIMITED,
                )
            )
        yield running


@pytest.fixture
def alice_at_browser(alice: Membership) -> Iterator[Person]:
    with Person(alice.user.email) as person:
        yield person
