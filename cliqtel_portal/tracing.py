"""Spans of one call through web, worker and SQL; nothing at all unless a tracer is installed.

The trace of a call is found from its UUID alone. So an execution joins the trace of the call that
drafted it, whenever a person approves and whatever worker does it; nothing has to be kept for that.
"""

from __future__ import annotations

import importlib
import uuid
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from django.core.exceptions import ImproperlyConfigured

_SDK = "cliqtel_portal.tracing_sdk"


class Span(Protocol):
    def set_attribute(self, key: str, value: str | int) -> None: ...


class Tracer(Protocol):
    """What `tracing_sdk` brings where it is switched on."""

    def call(self, call_id: uuid.UUID, name: str) -> AbstractContextManager[Span]: ...

    def execution(
        self, call_id: uuid.UUID, parent_id: uuid.UUID, name: str
    ) -> AbstractContextManager[Span]: ...


class _NoSpan:
    def set_attribute(self, key: str, value: str | int) -> None:
        pass


_NO_SPAN = _NoSpan()
_tracer: Tracer | None = None


def switch_on() -> None:
    """This process sends its spans to OTEL_EXPORTER_OTLP_ENDPOINT from now on.

    Raises:
        ImproperlyConfigured: the extra is not installed.
    """
    try:
        sdk = importlib.import_module(_SDK)
    except ImportError as error:
        raise ImproperlyConfigured(
            "OTEL_EXPORTER_OTLP_ENDPOINT is set and OpenTelemetry is not installed. Install it"
            " (pip install '.[otel]'), or unset the variable."
        ) from error
    install(sdk.start())


def install(tracer: Tracer | None) -> None:
    global _tracer  # noqa: PLW0603
    _tracer = tracer


def call(call_id: uuid.UUID, name: str) -> AbstractContextManager[Span]:
    """The root of the call's trace: what is done inside is below it, over threads and awaits."""
    return nullcontext(_NO_SPAN) if _tracer is None else _tracer.call(call_id, name)


def execution(call_id: uuid.UUID, parent_id: uuid.UUID, name: str) -> AbstractContextManager[Span]:
    """Below the root of the trace of `parent_id`, the call that drafted it."""
    if _tracer is None:
        return nullcontext(_NO_SPAN)
    return _tracer.execution(call_id, parent_id, name)
