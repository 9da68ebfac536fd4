"""Home, numbers, call flows, trunks, messaging, docs and settings, as the eye sees them."""

from __future__ import annotations

import pytest

from cliqtel_portal.accounts.models import Membership
from tests.browser.conftest import SignIn
from tests.browser.eye import Walk
from tests.browser.pages import EMPTY, PORTAL
from tests.browser.world import World

pytestmark = pytest.mark.browser


def test_every_page_holds(sign_in: SignIn, world: World) -> None:
    walk = Walk(sign_in(world.owner), world.ids)
    walk.to(*PORTAL)
    walk.end()


def test_every_empty_list_holds(sign_in: SignIn, mallory: Membership) -> None:
    walk = Walk(sign_in(mallory), {})
    walk.to(*EMPTY, are_states=True)
    walk.end()
