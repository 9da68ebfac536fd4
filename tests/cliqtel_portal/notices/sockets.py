"""A browser's side of `/ws/events/`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.test import Client
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from cliqtel_portal.accounts.models import User
from tests.wire import Web

WAIT = 20  # seconds, on a busy machine


def signed_in(user: User) -> Client:
    browser = Client()
    browser.force_login(user)
    return browser


@contextmanager
def socket(
    web: Web, browser: Client | None, *, after: int | None = None, **options: Any
) -> Iterator[ClientConnection]:
    """An open socket of the browser, from a page of ours unless `origin` says otherwise."""
    headers = dict(options.pop("headers", {}))
    if browser is not None:
        name = settings.SESSION_COOKIE_NAME
        headers["Cookie"] = f"{name}={browser.cookies[name].value}"
    query = "" if after is None else f"?after={after}"
    url = web.origin.replace("http", "ws") + options.pop("path", "/ws/events/") + query
    options.setdefault("origin", settings.OAUTH_ISSUER)
    with connect(
        url, additional_headers=headers, open_timeout=WAIT, close_timeout=1, **options
    ) as opened:
        yield opened


def heard(opened: ClientConnection, seconds: float = WAIT) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(opened.recv(timeout=seconds))
    return message


def close_code(opened: ClientConnection, seconds: float = WAIT) -> int | None:
    """The code it is closed with, whatever is said before."""
    try:
        while True:
            opened.recv(timeout=seconds)
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else None
