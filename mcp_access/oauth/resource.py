"""RFC 8707: the one resource that tokens of this server are for."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings

_DEFAULT_PORTS = {"https": 443, "http": 80}


def is_ours(value: str) -> bool:
    """Whether it names our resource; case of the host, default port and one slash are forgiven."""
    return _normal(value) is not None and _normal(value) == _normal(settings.MCP_RESOURCE_URL)


def _normal(value: str) -> tuple[str, str, int | None, str] | None:
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        return None
    if not parts.hostname or parts.query or parts.fragment or "@" in parts.netloc:
        return None
    path = parts.path[:-1] if parts.path.endswith("/") else parts.path
    scheme = parts.scheme.lower()
    return scheme, parts.hostname.lower(), port or _DEFAULT_PORTS.get(scheme), path
