"""A real browser on a real server: Debian's chromium, driven by Playwright's sync API.

How this lives beside pytest-asyncio: while it is started, the sync API has an event loop "running"
in the main thread. Two things follow, and both are arranged here:
- pytest-playwright's own fixtures are session-wide, and every asyncio test after them would fail
  with "cannot be called from a running event loop". The fixtures below have the same names; the
  browser stays for all tests of this folder in a row, and is gone before any other begins.
- Django would refuse the ORM in the test's own thread (SynchronousOnlyOperation). The test holds
  its thread alone, so DJANGO_ALLOW_ASYNC_UNSAFE is set while there is a browser.

The server is pytest-django's `live_server` (a thread); data is committed and flushed after each
test. Write `pytestmark = pytest.mark.browser` in each module.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as project
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from pytest_django import DjangoDbBlocker, Settings
from pytest_django.live_server_helper import LiveServer

from cliqtel_portal.accounts.models import Membership
from tests.browser.eye import problems_of
from tests.browser.portal_server import Portal, running_portal
from tests.browser.world import World, furnish
from tests.snapshots import Snapshot, snapshot

SignIn = Callable[..., Page]
Shots = Callable[[str], None]

# Milliseconds; a busy machine is no failure, and only what is wrong waits that long.
_PATIENCE = 20_000
expect.set_options(timeout=_PATIENCE)


class _Chromium(ExitStack):
    browser: Browser | None = None

    def running(self) -> Browser:
        if self.browser is None or not self.browser.is_connected():
            self.close()
            self.browser = self._start()
        return self.browser

    def _start(self) -> Browser:
        executable = os.environ.get("CHROMIUM") or shutil.which("chromium")
        if executable is None:
            pytest.skip("no chromium on this machine: apt-get install chromium, or set CHROMIUM")
        playwright = self.enter_context(sync_playwright())
        self.enter_context(pytest.MonkeyPatch.context()).setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        self.callback(setattr, self, "browser", None)
        # Chromium's sandbox refuses to work for root.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        launched = playwright.chromium.launch(executable_path=executable, args=arguments)
        self.callback(launched.close)
        return launched


_chromium = _Chromium()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> Iterator[None]:
    try:
        return (yield)
    finally:
        if nextitem is not None and nextitem.path.parent != Path(__file__).parent:
            _chromium.close()


@pytest.fixture(scope="session")
def _until_the_end(_connections_are_closed: None) -> Iterator[None]:
    """Some fixtures of the session end in a loop of their own."""
    yield
    _chromium.close()


@pytest.fixture
def browser(_until_the_end: None) -> Browser:
    return _chromium.running()


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
    made.set_default_timeout(_PATIENCE)
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
def plain(browser: Browser, live_server: LiveServer) -> Iterator[Page]:
    """A page without JavaScript."""
    made = browser.new_context(base_url=live_server.url, java_script_enabled=False)
    yield made.new_page()
    made.close()


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
    """`shots("tokens")` is the eye on the page as it is: for states that no address leads to."""

    def look(name: str) -> None:
        assert problems_of(page, name, is_state=True) == []

    return look


@pytest.fixture(scope="session")
def _furnished(
    _demo: Snapshot[str], django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Snapshot[World]:
    def make() -> World:
        _demo.restore()
        return furnish()

    with django_db_blocker.unblock():
        return snapshot(make)


@pytest.fixture
def world(_furnished: Snapshot[World], transactional_db: None) -> World:
    return _furnished.restore()


@pytest.fixture(scope="session")
def portal(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Portal]:
    """For a module whose `live_server` must have sockets, or be reached by an AI host."""
    with django_db_blocker.unblock():
        running = running_portal()
        server = running.__enter__()
    yield server
    running.__exit__(None, None, None)


@pytest.fixture
def olivia(transactional_db: None, demo: None) -> Membership:
    """Owner of the demo's acme."""
    return Membership.objects.select_related("user", "tenant").get(user__email="owner@acme.test")
