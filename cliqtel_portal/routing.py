"""Which sockets there are, and who may knock at all: pages of our own origin, without a token."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from channels.sessions import CookieMiddleware
from django.conf import settings

from cliqtel_portal.notices.consumers import EventsConsumer

_ROUTES = {"/ws/events/": EventsConsumer.as_asgi()}
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


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
    hosts = [value for name, value in headers if name == b"host"]
    names = {name for name, _ in headers}
    if len(origins) != 1 or b"authorization" in names:
        return False
    return origins[0] == _origin_of(settings.OAUTH_ISSUER) or _is_other_loopback(origins[0], hosts)


def _is_other_loopback(origin: bytes, hosts: list[bytes]) -> bool:
    """Our own page under another name of this machine: `localhost` for an issuer at 127.0.0.1.

    Only where the issuer is such a name itself, with its port, and to the host that the page came
    from: anything else would let a page in that another program of the machine serves.
    """
    issuer = urlsplit(settings.OAUTH_ISSUER)
    try:
        page = urlsplit(origin.decode("latin-1"))
        ports = {issuer.port, page.port}
    except ValueError:  # no host, or no port
        return False
    return (
        {issuer.hostname, page.hostname} <= _LOOPBACK
        and len(ports) == 1
        and hosts == [page.netloc.encode("latin-1")]
        and origin == f"{issuer.scheme}://{page.netloc}".encode("latin-1")
    )


websocket_application = CookieMiddleware(Doorkeeper())
