"""Which redirect URIs a client may register, and whose they are."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from django.conf import settings

MAX_LENGTH = 512
MAX_URIS = 10
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f\\\"<>*^`{|}]")


def problem_of(uri: object) -> str | None:
    """What is wrong with it, in words for the client's developer; None if it may be registered.

    https with a real host; http for loopback only (RFC 8252 section 7.3); or a known app's scheme.
    """
    if not isinstance(uri, str) or not uri:
        return "must be a text"
    if len(uri) > MAX_LENGTH:
        return f"is longer than {MAX_LENGTH} characters"
    if not uri.isascii() or _FORBIDDEN.search(uri):
        return "has a blank, a wildcard, a control or another character that must be encoded"
    if "#" in uri:
        return "must have no fragment"
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        return "is no URI"
    if "@" in parts.netloc:
        return "must have no user information"
    if any(segment in {".", ".."} for segment in re.split(r"/|%2f", parts.path, flags=re.I)) or (
        "%2e" in parts.path.lower()
    ):
        return "must have no dot segments"
    return _problem_of_scheme(parts.scheme, parts.hostname or "")


def _problem_of_scheme(scheme: str, host: str) -> str | None:
    if scheme == "https":
        labels = host.rstrip(".").split(".")
        is_real = len(labels) > 1 and all(labels) and not host.endswith(".")
        return None if is_real or host in _LOOPBACK else "must name a real host"
    if scheme == "http":
        return None if host in _LOOPBACK else "must be https: http is for loopback only"
    if scheme in settings.OAUTH_APP_SCHEMES:
        return None
    allowed = ", ".join(sorted(settings.OAUTH_APP_SCHEMES))
    return f"must be https, http on loopback, or one of the app schemes {allowed}"


def host_of(uri: str) -> str:
    """Where the person will be sent: a host name, "this computer", or the app's scheme."""
    parts = urlsplit(uri)
    host = parts.hostname or ""
    if parts.scheme in {"http", "https"}:
        return "this computer" if host in _LOOPBACK else host
    return f"the app {parts.scheme}"
