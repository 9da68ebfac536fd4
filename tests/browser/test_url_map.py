"""Nothing in the URL map escapes the walk over every page."""

from __future__ import annotations

from tests.browser.pages import (
    AI_ACCESS,
    APPROVALS,
    DECIDED,
    DOORS,
    EMPTY,
    NO_PAGES,
    NO_PAGES_UNDER,
    PORTAL,
    routes,
)

_WALKED = {path.partition("?")[0] for path in (*AI_ACCESS, *APPROVALS, *DECIDED, *PORTAL, *DOORS)}


def test_every_route_is_walked_or_says_why_it_is_no_page() -> None:
    known = {route for route in routes() if not route.startswith(NO_PAGES_UNDER)}
    assert sorted(known - _WALKED - NO_PAGES.keys()) == [], "new: add it to tests/browser/pages.py"
    assert sorted(NO_PAGES.keys() - known) == [], "gone"
    assert _WALKED & NO_PAGES.keys() == set()
    assert set(EMPTY) <= _WALKED
