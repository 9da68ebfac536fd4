"""Composition root of the web process: `/mcp` and sockets to their own, the rest to Django."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any
from urllib.parse import SplitResult, urlsplit

import django
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpResponseBadRequest

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cliqtel_portal.settings.dev")
django.setup(set_prefix=False)

from cliqtel_portal.backpressure import PacedSend  # noqa: E402
from cliqtel_portal.routing import websocket_application  # noqa: E402 - models need the apps
from mcp_access.asgi import McpEndpoint  # noqa: E402
from mcp_access.oauth.validator import ARRIVED_HEADER  # noqa: E402
from mcp_access.replies import Receive, Refusal, Scope, Send  # noqa: E402

_MCP_PATHS = frozenset({"/mcp", "/mcp/"})
_HEALTH_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})
_RESOURCE_METADATA = "/.well-known/oauth-protected-resource"


class Portal(ASGIHandler):
    """Django, with an answer to a charset that can't even be looked up (`charset*=utf-8''%00`)."""

    def create_request(self, scope: Any, body_file: Any) -> Any:
        try:
            return super().create_request(scope, body_file)
        except ValueError:
            return None, HttpResponseBadRequest()


class Application:
    """Sends each request to where it belongs, by path and, with two origins, by host."""

    def __init__(self) -> None:
        self._mcp = McpEndpoint()
        self._django = Portal()
        self._resource = urlsplit(settings.MCP_RESOURCE_URL)
        self._issuer = urlsplit(settings.OAUTH_ISSUER)
        self._are_two = self._resource.netloc != self._issuer.netloc

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
            return
        path = scope["path"]
        if self._are_two and path not in _HEALTH_PATHS:
            is_resource_path = path in _MCP_PATHS or path.startswith(_RESOURCE_METADATA)
            if not _is_at(scope, self._resource if is_resource_path else self._issuer):
                await Refusal(404).send(send)
                return
        # Before the wait for a thread: what was sent at the same moment has arrived at the same.
        scope[ARRIVED_HEADER] = datetime.now(UTC)
        if path in _MCP_PATHS:
            await self._mcp(scope, receive, send)
        else:
            paced = PacedSend(send)
            try:
                await self._django(scope, receive, paced)  # type: ignore[arg-type]
            finally:
                paced.close()

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """With two origins, only where the portal is: the resource's host has no sessions."""
        if self._are_two and not _is_at(scope, self._issuer):
            await send({"type": "websocket.close"})
            return
        await websocket_application(scope, receive, send)


def _is_at(scope: Scope, origin: SplitResult) -> bool:
    """Whether the request names this origin's host, in any case and with or without its port."""
    host = dict(scope["headers"]).get(b"host", b"").decode("latin-1").lower()
    default_port = ":443" if origin.scheme == "https" else ":80"
    return bool(host.removesuffix(default_port) == origin.netloc.lower().removesuffix(default_port))


application = Application()
