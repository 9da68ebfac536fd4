"""A real browser on a real server: Debian's chromium, driven by Playwright's sync API.

How this lives beside pytest-asyncio: while it is started, the sync API has an event loop "running"
in the main thread. Two things follow, and both are arranged here:
- pytest-playwright's own fixtures are session-wide, and every asyncio test after them would fail
  with "cannot be called from a running event loop". The fixtures below have the same names and are
  module-wide: the loop is gone before the next module begins. A module has browser tests or
  asyncio tests, never both.
- Django would refuse the ORM in the test's own thread (SynchronousOnlyOperation). The test holds
  its thread alone, so `browser` sets DJANGO_ALLOW_ASYNC_UNSAFE.

The server is pytest-django's `live_server` (a thread); data is committed and flushed after each
test. Write `pytestmark = pytest.mark.browser` in each module.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as project
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from cliqtel_portal.accounts.models import Membership

SignIn = Callable[..., Page]
Shots = Callable[[str], list[str]]

# name, width, height, theme. All that a page is looked at in.
_LOOKS = (
    ("light", 1280, 800, "light"),
    ("dark", 1280, 800, "dark"),
    ("phone", 390, 844, "light"),
    ("phone-dark", 390, 844, "dark"),
)


# Texts whose contrast with what is behind them is under 4.5 (WCAG 1.4.3), as "ratio text".
_FAINT_TEXTS = """() => {
  const rgb = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = e => {
    for (; e; e = e.parentElement) {
      const colour = rgb(getComputedStyle(e).backgroundColor);
      if (colour.length < 4 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  return [...document.querySelectorAll('body *')]
    .filter(e => e.checkVisibility() && !e.matches(':disabled, option, .visually-hidden'))
    .filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()))
    .map(e => {
      const [a, b] = [light(rgb(getComputedStyle(e).color)), light(behind(e))];
      return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), e.textContent.trim()];
    })
    .filter(([ratio]) => ratio < 4.5)
    .map(([ratio, text]) => `${ratio.toFixed(2)} ${text.slice(0, 40)}`);
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    executable = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if executable is None:
        pytest.skip("no chromium on this machine: apt-get install chromium, or set CHROMIUM")
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # For as long as the loop is there, so that the database's own fixtures are inside.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        # Chromium's sandbox refuses to work for root.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        started = playwright.chromium.launch(executable_path=executable, args=arguments)
        yield started
        started.close()


@pytest.fixture(autouse=True)
def _own_rate_limits(settings: Settings) -> None:
    settings.RATELIMIT_CACHE_PREFIX = f"rl:{uuid.uuid4()}:"


@pytest.fixture
def browser_context_args() -> dict[str, Any]:
    """Override in a module for another viewport, or `{"java_script_enabled": False}`."""
    return {"viewport": {"width": 1280, "height": 800}}


@pytest.fixture
def context(
    browser: Browser,
    live_server: LiveServer,
    browser_context_args: dict[str, Any],
) -> Iterator[BrowserContext]:
    made = browser.new_context(base_url=live_server.url, **browser_context_args)
    made.set_default_timeout(10_000)  # milliseconds
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A blank page; `page.goto("/docs/")` is on the live server.

    The test fails for what a visitor would not see: an error in a script, something that the
    Content-Security-Policy had to block, a file that isn't there.
    """
    complaints: list[str] = []
    made = context.new_page()
    made.on("pageerror", lambda error: complaints.append(str(error)))
    made.on(
        "console",
        lambda message: (
            complaints.append(message.text) if "Content Security Policy" in message.text else None
        ),
    )
    made.on(
        "response",
        lambda response: (
            complaints.append(f"{response.status} {response.url}")
            if response.status >= 400 and "/static/" in response.url
            else None
        ),
    )
    yield made
    assert complaints == []


@pytest.fixture
def sign_in(context: BrowserContext, live_server: LiveServer, page: Page) -> SignIn:
    """`sign_in(alice)` returns `page` with alice's session (`/account/login/` has its own test)."""

    def enter(membership: Membership) -> Page:
        client = Client()
        client.force_login(membership.user, backend=project.AUTHENTICATION_BACKENDS[0])
        cookie = client.cookies[project.SESSION_COOKIE_NAME]
        context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
        return page

    return enter


@pytest.fixture
def shots(page: Page) -> Shots:
    """`shots("tokens")` checks the page as it is in light, dark and 390 px; returns the looks.

    Nothing may stick out sideways, and every text has enough contrast. With $SCREENSHOTS each look
    is saved there: pictures of whole pages take a third of a browser test's time.
    """
    folder = os.environ.get("SCREENSHOTS")

    def take(name: str) -> list[str]:
        before = page.viewport_size
        taken = []
        for look, width, height, theme in _LOOKS:
            page.set_viewport_size({"width": width, "height": height})
            page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
            if folder:
                page.screenshot(path=Path(folder) / f"{name}-{look}.png", full_page=True)
            taken.append(f"{name}-{look}")
            inner = page.evaluate("document.documentElement.scrollWidth")
            assert inner <= width, f"{name} is {inner} px wide on a screen of {width} px"
            assert page.evaluate(_FAINT_TEXTS) == [], f"{name}, {look}"
        page.emulate_media(color_scheme="null")
        if before:
            page.set_viewport_size(before)
        return taken

    return take
