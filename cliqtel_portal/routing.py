"""Which sockets there are, and who may knock at all: pages of our own origin, without a token."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from channels.sessions import CookieMiddleware
from django.conf import settings

from cliqtel_portal.notices.consumers import EventsConsumer

_ROUTES = {"/ws/events/": EventsConsumer.as_asgi()}
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


def _origin_of(url: str) -> bytes:
    """As a browser writes it: lower case, without the scheme's own port."""
    parts = urlsplit(url.lower())
    netloc = parts.netloc.removesuffix(_DEFAULT_PORTS.get(parts.scheme, ""))
    return f"{parts.scheme}://{netloc}".encode("latin-1")


class Doorkeeper:
    """Anything else gets 403 and no socket.

    Browsers send cookies with a socket that any page of the world opens: the Origin is what tells
    ours. A request with an Authorization header is no page's, and no token may listen here.
    """

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        route = _ROUTES.get(scope["path"])
        if route is None or not _is_welcome(scope["headers"]):
            await send({"type": "websocket.close"})
            return
        await route(scope, receive, send)


def _is_welcome(headers: list[tuple[bytes, bytes]]) -> bool:
    origins = [value for name, value in headers if name == b"origin"]
    names = {name for name, _ in headers}
    return origins == [_origin_of(settings.OAUTH_ISSUER)] and b"authorization" not in names


websocket_application = CookieMiddleware(Doorkeeper())
