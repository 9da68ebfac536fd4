"""Counts and times of pages, by view. `/mcp` counts for itself (mcp_access.metrics)."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django_prometheus.middleware import PrometheusAfterMiddleware
from django_prometheus.utils import Time


class RequestMetricsMiddleware(PrometheusAfterMiddleware):  # type: ignore[misc]
    """django-prometheus', with a bound: a method that the caller made up would be kept for ever."""

    def process_request(self, request: HttpRequest) -> None:
        try:
            super().process_request(request)
        except (ValueError, OverflowError):
            # A Content-Length that is no sane number. Only the clock comes after it.
            request.prometheus_after_middleware_event = Time()  # type: ignore[attr-defined]

    def label_metric(
        self, metric: Any, request: HttpRequest, response: Any = None, **labels: str
    ) -> Any:
        if "method" in labels:
            labels["method"] = self._method(request)
        return super().label_metric(metric, request, response, **labels)
