"""AI Access and approvals, as the eye sees them."""

from __future__ import annotations

import pytest

from tests.browser.conftest import SignIn
from tests.browser.eye import Walk
from tests.browser.pages import AI_ACCESS, APPROVALS
from tests.browser.world import World

pytestmark = pytest.mark.browser


def test_every_page_of_ai_access_holds(sign_in: SignIn, world: World) -> None:
    walk = Walk(sign_in(world.owner), world.ids)
    walk.to(*AI_ACCESS, *APPROVALS)
    walk.end()
