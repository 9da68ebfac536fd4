"""Each role on every page that it can reach: nothing is offered that would then be refused."""

from __future__ import annotations

import pytest
from django.test import Client

from cliqtel_portal.errors import NotPermitted
from tests.portal.pages import Walk
from tests.portal.world import World, undone

pytestmark = pytest.mark.django_db


@pytest.fixture
def refusals(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What services said to those who may not."""
    said: list[str] = []
    build = NotPermitted.__init__

    def told(self: NotPermitted, message: str, **more: object) -> None:
        said.append(message)
        build(self, message, **more)

    monkeypatch.setattr(NotPermitted, "__init__", told)
    return said


@pytest.mark.parametrize("role", ["viewer", "member", "approver", "admin"])
def test_no_link_and_no_button_leads_to_a_refusal(
    world: World, refusals: list[str], role: str
) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(world[role].user)
    walk = Walk(client)
    wrong = dict(walk.refused)
    kept = client.cookies.copy()
    for form in walk.forms():
        for address, data in form.submissions():
            with undone():
                client.cookies = kept.copy()  # signed in again after signing out
                status = client.post(address, data).status_code
            if status in {403, 404, 405} or status >= 500 or refusals:
                wrong[f"{form.page}: {address}"] = f"{status} {refusals}"
                refusals.clear()
    assert wrong == {}
