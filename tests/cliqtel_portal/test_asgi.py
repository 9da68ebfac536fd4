"""What the web process makes of a request before any view sees it."""

from __future__ import annotations

import pytest

from cliqtel_portal import asgi


@pytest.mark.parametrize(
    "content_type", [b"text/plain; charset*=utf-8''%00", b'text/plain; charset="\x00"']
)
async def test_a_charset_that_cannot_be_looked_up_is_a_bad_request(content_type):
    sent = []

    async def send(message):
        sent.append(message)

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/",
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1"), (b"content-type", content_type)],
    }
    await asgi.Application()(scope, receive, send)
    assert sent[0]["status"] == 400
