"""`make screenshots`: ten pages of a furnished account, as pictures in docs/img.

No test by its name, so that only that command runs it. Ids and dates differ from run to run.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from cliqtel_portal.notices.models import Notice
from tests.browser.conftest import SignIn
from tests.browser.portal_server import Portal
from tests.browser.world import World

pytestmark = pytest.mark.browser

FOLDER = Path(__file__).parents[2] / "docs" / "img"
DESK, PHONE = (1280, 800), (390, 844)
LARGEST = 200_000  # bytes; a reader of the repository fetches them all


@dataclass(frozen=True)
class Picture:
    name: str
    path: str
    theme: str = "light"
    size: tuple[int, int] = DESK


PICTURES = (
    Picture("home", "/"),
    Picture("numbers", "/numbers/?capability=sms"),
    Picture("number-routing", "/numbers/{number_id}/routing/", theme="dark"),
    Picture("ai-access", "/numbers/ai-access/"),
    Picture("token-new", "/numbers/ai-access/tokens/new/?template=ordering"),
    Picture("approvals", "/approvals/"),
    Picture("approval", "/approvals/{flow_approval_id}/", size=(1280, 1010)),
    Picture("call-flow-phone", "/callflows/{call_flow_id}/", theme="dark", size=PHONE),
    Picture("activity", "/numbers/ai-access/activity/"),
    Picture("usage", "/numbers/ai-access/usage/", theme="dark"),
)


@pytest.fixture
def live_server(portal: Portal, transactional_db: None) -> Portal:
    return portal


def test_take_the_pictures(sign_in: SignIn, world: World) -> None:
    Notice.objects.update(read_at=timezone.now())  # they would push the pages down
    page = sign_in(world.owner)
    for picture in PICTURES:
        width, height = picture.size
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=picture.theme)  # type: ignore[arg-type]
        answer = page.goto(picture.path.format_map(world.ids))
        assert answer is not None
        assert answer.status == 200, picture.path
        expect(page.locator("[data-chat-state]")).to_have_text("Live")
        file = FOLDER / f"{picture.name}.png"
        page.screenshot(path=file, animations="disabled")
        assert file.stat().st_size < LARGEST, f"{picture.name} is too large"
