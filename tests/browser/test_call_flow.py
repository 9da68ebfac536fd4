"""One drawing at a time: left to right on a desk, top down on a phone."""

from __future__ import annotations

from typing import Any

import pytest

from tests.factories.callflows import make_flow

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize(("width", "shown"), [(1280, "flow-wide"), (390, "flow-narrow")])
def test_the_drawing_fits_the_screen(width: int, shown: str, alice, sign_in, live_server: Any):
    flow = make_flow(alice.tenant, name="Main line")
    page = sign_in(alice)
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{live_server.url}/callflows/{flow.pk}/")
    visible = [
        name for name in ("flow-wide", "flow-narrow") if page.locator(f".{name}").is_visible()
    ]
    assert visible == [shown]
