"""One drawing at a time: left to right on a desk, top down on a phone."""

from __future__ import annotations

from typing import Any

import pytest

from cliqtel_portal.deeds import update_route
from cliqtel_portal.deeds.requester import Requester
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


def test_a_proposed_change_begins_where_it_changes(alice, sign_in, live_server: Any, shots):
    flow = make_flow(alice.tenant, name="Main line")
    asked = update_route.draft_change(
        Requester(tenant=alice.tenant, user=alice.user),
        call_flow_id=flow.pk,
        base_etag=flow.active_revision.etag,
        operations=[
            {"op": "update_node", "id": "support", "title": "Help desk"},
            {"op": "remove_edge", "id": "e4"},
            {"op": "add_edge", "id": "e9", "from": "menu", "to": "support", "on": "3"},
        ],
    )
    page = sign_in(alice)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{live_server.url}/approvals/{asked.approval.pk}/")
    changed = page.locator(".flow-narrow .flow-node.flow-changed")
    page.wait_for_function("document.querySelector('.flow-narrow').scrollLeft > 0")
    box = changed.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    page.get_by_role("link", name="Before and after").click()
    page.get_by_text("After: proposed").wait_for()
    shots("call-flow-sides")


def test_the_drawing_follows_buttons_and_the_list(alice, sign_in, live_server: Any):
    flow = make_flow(alice.tenant, name="Main line")
    page = sign_in(alice)
    page.goto(f"{live_server.url}/callflows/{flow.pk}/")
    drawing = page.locator(".flow-wide svg")
    canvas = page.locator(".flow-wide")
    width = drawing.bounding_box()["width"]
    page.get_by_role("button", name="Larger").click()
    assert drawing.bounding_box()["width"] == pytest.approx(width * 1.25, abs=1)
    page.get_by_role("button", name="Full size").click()
    page.get_by_role("button", name="Move to the right").click()
    assert canvas.evaluate("box => box.scrollLeft") > 0
    page.get_by_role("button", name="Show the whole drawing").click()
    assert canvas.evaluate("box => box.scrollWidth <= box.clientWidth")

    # Arrow keys walk the list, and the drawing shows where.
    steps = page.locator("[data-flow-steps] th a")
    steps.first.focus()
    page.keyboard.press("ArrowDown")
    second = page.locator("[data-step]").nth(1).get_attribute("data-step")
    assert steps.nth(1).evaluate("link => link === document.activeElement")
    assert "flow-here" in page.locator(f'.flow-wide [data-node="{second}"]').get_attribute("class")
    page.locator('.flow-wide [data-node="menu"]').click()
    assert page.locator('[data-step="menu"] th a').evaluate(
        "link => link === document.activeElement"
    )
