"""HTTP to our own two origins and nowhere else, within one time for all requests together."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx2
from django.conf import settings

_MAX_BYTES = 1024 * 1024
_REQUEST_SECONDS = 10.0
_DEFAULT_PORTS = {"https": 443, "http": 80}


class StepFailed(Exception):
    """A step of the self-test did not go as it must; both in words for an admin."""

    def __init__(self, cause: str, remedy: str) -> None:
        super().__init__(cause)
        self.cause = cause
        self.remedy = remedy


@dataclass(frozen=True, kw_only=True)
class Answer:
    url: str
    status: int
    headers: Mapping[str, str]
    cookies: Mapping[str, str]
    text: str

    def json(self) -> dict[str, Any]:
        """Raises StepFailed where it is no JSON object."""
        try:
            content = json.loads(self.text)
        except (ValueError, RecursionError):
            content = None
        if not isinstance(content, dict):
            raise StepFailed(
                f"{self.url} did not answer with JSON (status {self.status}).",
                f"Another program answers there. Check {setting_of(self.url)} and the proxy.",
            )
        return content


class Wire:
    """Follows no redirect, keeps no cookie, uses no proxy from the environment."""

    def __init__(self, *, seconds: float) -> None:
        self._ends = time.monotonic() + seconds
        self._http = httpx2.Client(trust_env=False, follow_redirects=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def send(self, method: str, url: str, **options: Any) -> Answer:
        """`options` as httpx2 takes them: headers, data, json.

        Raises:
            StepFailed: nothing answered, or not in time, or the address is not ours.
        """
        if origin_of(url) not in our_origins():
            raise StepFailed(
                f"The self-test was told to go to {_shown(url)}, which is not this portal.",
                "Discovery must name addresses below OAUTH_ISSUER. Check what answers there.",
            )
        try:
            return self._send(method, url, options)
        except httpx2.TimeoutException as error:
            raise self._late(url) from error
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise _unreachable(url, error) from error
        finally:
            self._http.cookies.clear()

    def _send(self, method: str, url: str, options: dict[str, Any]) -> Answer:
        left = self._ends - time.monotonic()
        if left <= 0:
            raise self._late(url)
        timeout = min(left, _REQUEST_SECONDS)
        body = b""
        with self._http.stream(method, url, timeout=timeout, **options) as response:
            for chunk in response.iter_bytes():
                body += chunk
                # The client's own time-outs are for each read: a slow drip would never end.
                if time.monotonic() > self._ends:
                    raise self._late(url)
                if len(body) > _MAX_BYTES:
                    raise StepFailed(f"{url} never stops answering.", "Check what answers there.")
            return Answer(
                url=url,
                status=response.status_code,
                headers=response.headers,
                cookies=dict(response.cookies),
                text=body.decode("utf-8", "replace"),
            )

    def _late(self, url: str) -> StepFailed:
        return StepFailed(
            f"{_shown(url)} did not answer in time.",
            "The server may be overloaded, or have a single thread, which is busy with this very "
            f"page. Or {setting_of(url)} leads to a firewall that swallows the request.",
        )


def origin_of(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port, comparable; ("", "", None) for what is no address."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "", "", None
    scheme = parts.scheme.lower()
    return scheme, parts.hostname or "", port or _DEFAULT_PORTS.get(scheme)


def our_origins() -> set[tuple[str, str, int | None]]:
    return {origin_of(settings.OAUTH_ISSUER), origin_of(settings.MCP_RESOURCE_URL)}


def setting_of(url: str) -> str:
    """The setting that sent us to the address."""
    is_issuer = origin_of(url) == origin_of(settings.OAUTH_ISSUER)
    return "OAUTH_ISSUER" if is_issuer else "MCP_RESOURCE_URL"


def _shown(url: str) -> str:
    """Without its query: it may hold a state."""
    return url.partition("?")[0]


def _unreachable(url: str, error: Exception) -> StepFailed:
    setting = setting_of(url)
    value = getattr(settings, setting)
    if _is_tls(error):
        return StepFailed(
            f"{setting} says {value}, but the certificate there is not accepted.",
            "Install a certificate for this name, with its whole chain, on the proxy.",
        )
    return StepFailed(
        f"{setting} says {value}, but nothing answers there.",
        f"Correct {setting}, or the DNS name and proxy that it leads to. The portal's server must "
        "reach its own public address as well.",
    )


def _is_tls(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLError) or "CERTIFICATE_VERIFY" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False
