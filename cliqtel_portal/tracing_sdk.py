"""OpenTelemetry, where the extra `otel` is installed and an endpoint is named (see `tracing`)."""

from __future__ import annotations

import contextvars
import hashlib
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from celery.signals import worker_process_shutdown
from django.conf import settings
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.celery import CeleryInstrumentor
from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from cliqtel_portal.tracing import Span

_CALL = "cliqtel.call_id"

# The ids of the one span that is being started.
_chosen: contextvars.ContextVar[SpanContext | None] = contextvars.ContextVar(
    "chosen_span", default=None
)


def start() -> SdkTracer:
    """Spans of calls, tasks and statements go to the endpoint; headers, sampler and limits are the
    SDK's own variables (OTEL_…)."""
    provider = TracerProvider(
        id_generator=CallIds(),
        resource=Resource.create({SERVICE_NAME: settings.OTEL_SERVICE_NAME}),
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    CeleryInstrumentor().instrument()
    # Statements without their parameters: those hold what people write.
    PsycopgInstrumentor().instrument()

    def flush(**_: Any) -> None:
        provider.force_flush()

    # A worker's child ends without Python's own farewell.
    worker_process_shutdown.connect(flush, weak=False)
    return SdkTracer(provider)


def root_of(call_id: uuid.UUID, *, is_sampled: bool = True) -> SpanContext:
    """The root span of a call's trace.

    Digests: samplers take the low bits of a trace id for random, and two bits of a UUID are not.
    """
    digest = hashlib.blake2b(call_id.bytes, digest_size=24).digest()
    return SpanContext(
        trace_id=int.from_bytes(digest[:16], "big"),
        span_id=int.from_bytes(digest[16:], "big"),
        is_remote=True,
        trace_flags=TraceFlags(TraceFlags.SAMPLED if is_sampled else TraceFlags.DEFAULT),
    )


class CallIds(RandomIdGenerator):  # type: ignore[misc]
    """Random ids, but for the roots of calls."""

    def generate_trace_id(self) -> int:
        chosen = _chosen.get()
        return chosen.trace_id if chosen else int(super().generate_trace_id())

    def generate_span_id(self) -> int:
        chosen = _chosen.get()
        return chosen.span_id if chosen else int(super().generate_span_id())


class SdkTracer:
    """Exceptions' words stay out of our own spans: they may quote what a caller sent."""

    def __init__(self, provider: TracerProvider) -> None:
        self._tracer = provider.get_tracer("cliqtel")
        self._sampler = provider.sampler

    @contextmanager
    def call(self, call_id: uuid.UUID, name: str) -> Iterator[Span]:
        token = _chosen.set(root_of(call_id))
        try:
            # An empty context: a caller must not choose under which trace its requests are found.
            span = self._tracer.start_span(
                name, Context(), kind=SpanKind.SERVER, attributes={_CALL: str(call_id)}
            )
        finally:
            _chosen.reset(token)
        with _current(span):
            yield span

    @contextmanager
    def execution(self, call_id: uuid.UUID, parent_id: uuid.UUID, name: str) -> Iterator[Span]:
        trace_id = root_of(parent_id).trace_id
        decided = self._sampler.should_sample(None, trace_id, name).decision
        root = root_of(parent_id, is_sampled=decided.is_sampled())
        here = trace.get_current_span().get_span_context()
        span = self._tracer.start_span(
            name,
            trace.set_span_in_context(trace.NonRecordingSpan(root), Context()),
            kind=SpanKind.CONSUMER,
            attributes={_CALL: str(call_id)},
            links=[Link(here)] if here.is_valid else [],
        )
        with _current(span):
            yield span


@contextmanager
def _current(span: Any) -> Iterator[None]:
    with trace.use_span(
        span, end_on_exit=True, record_exception=False, set_status_on_exception=False
    ):
        is_over = False
        try:
            yield
            is_over = True
        finally:
            if not is_over:
                span.set_status(Status(StatusCode.ERROR))
