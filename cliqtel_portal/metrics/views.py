"""Who may read `/metrics`, and the answer. For operators: docs/ops/metrics.md."""

from __future__ import annotations

import hmac
import ipaddress

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest

from cliqtel_portal.metrics import state

# Beside all that begin with X-Forwarded: what proxies say of whom they speak for.
_FORWARDING = frozenset(
    {
        "HTTP_CF_CONNECTING_IP",
        "HTTP_FASTLY_CLIENT_IP",
        "HTTP_FORWARDED",
        "HTTP_TRUE_CLIENT_IP",
        "HTTP_VIA",
        "HTTP_X_CLIENT_IP",
        "HTTP_X_CLUSTER_CLIENT_IP",
        "HTTP_X_ENVOY_EXTERNAL_ADDRESS",
        "HTTP_X_ORIGINAL_FORWARDED_FOR",
        "HTTP_X_REAL_IP",
    }
)

state.register()


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    refusal = _refusal(request)
    if refusal is not None:
        return refusal
    return HttpResponse(
        generate_latest(REGISTRY),
        content_type=CONTENT_TYPE_LATEST,
        headers={"Cache-Control": "no-store"},
    )


def _refusal(request: HttpRequest) -> HttpResponse | None:
    """None: the token is right, or nobody sent one and the request is this machine's own."""
    given = request.META.get("HTTP_AUTHORIZATION")
    if given is None and _is_local(request):
        return None
    if not settings.METRICS_TOKEN:
        return _refused(403, "Only from this machine: METRICS_TOKEN is not set.")
    scheme, _, token = (given or "").partition(" ")
    if scheme.lower() == "bearer" and hmac.compare_digest(
        token.strip().encode(), settings.METRICS_TOKEN.encode()
    ):
        return None
    answer = _refused(401, "Send the bearer token METRICS_TOKEN.")
    answer["WWW-Authenticate"] = 'Bearer realm="metrics"'
    return answer


def _refused(status: int, words: str) -> HttpResponse:
    return HttpResponse(
        f"{words}\n",
        status=status,
        content_type="text/plain; charset=utf-8",
        headers={"Cache-Control": "no-store"},
    )


def _is_local(request: HttpRequest) -> bool:
    """A proxy on this machine is a local peer too: whoever comes through it is not."""
    if any(name in _FORWARDING or name.startswith("HTTP_X_FORWARDED") for name in request.META):
        return False
    try:
        peer = ipaddress.ip_address(request.META.get("REMOTE_ADDR") or "")
    except ValueError:
        return False
    if isinstance(peer, ipaddress.IPv6Address) and peer.ipv4_mapped:
        peer = peer.ipv4_mapped
    return peer.is_loopback
