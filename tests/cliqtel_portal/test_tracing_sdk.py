"""OpenTelemetry's side of tracing; needs the extra `otel`, which the suite does without."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import pytest

pytest.importorskip("opentelemetry.sdk", reason="needs: pip install '.[otel]'")
pytest.importorskip("opentelemetry.instrumentation.celery", reason="needs: pip install '.[otel]'")

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio

from cliqtel_portal.ids import uuid7
from cliqtel_portal.tracing_sdk import CallIds, SdkTracer, root_of


def tracer_with(**options: Any) -> tuple[SdkTracer, InMemorySpanExporter, TracerProvider]:
    spans = InMemorySpanExporter()
    provider = TracerProvider(id_generator=CallIds(), **options)
    provider.add_span_processor(SimpleSpanProcessor(spans))
    return SdkTracer(provider), spans, provider


def test_an_execution_in_another_process_joins_the_calls_trace():
    call_id, execution_id = uuid7(), uuid7()
    web, of_web, _ = tracer_with()
    worker, of_worker, provider = tracer_with()
    with web.call(call_id, "POST /mcp"):
        pass
    with (
        provider.get_tracer("celery").start_as_current_span("run/execute") as task,
        worker.execution(execution_id, call_id, "execute purchase_number"),
        provider.get_tracer("sql").start_as_current_span("INSERT"),
    ):
        pass
    (root,) = of_web.get_finished_spans()
    statement, execution, _ = of_worker.get_finished_spans()
    assert root.context.trace_id == execution.context.trace_id == statement.context.trace_id
    assert root.parent is None
    assert execution.parent.span_id == root.context.span_id
    assert statement.parent.span_id == execution.context.span_id
    assert [link.context.span_id for link in execution.links] == [task.context.span_id]
    assert root.attributes["cliqtel.call_id"] == str(call_id)
    assert execution.attributes["cliqtel.call_id"] == str(execution_id)


def test_what_is_done_inside_is_below_the_root_and_has_ids_of_its_own():
    tracer, spans, provider = tracer_with()
    with tracer.call(uuid7(), "POST /mcp"):
        for _ in range(2):
            provider.get_tracer("sql").start_span("SELECT").end()
    first, second, root = spans.get_finished_spans()
    assert first.parent.span_id == second.parent.span_id == root.context.span_id
    assert len({one.context.span_id for one in (first, second, root)}) == 3


def test_calls_never_share_a_trace_though_they_run_at_once():
    tracer, spans, provider = tracer_with()

    async def one(call_id: uuid.UUID) -> None:
        with tracer.call(call_id, "POST /mcp"):
            await asyncio.sleep(0)
            provider.get_tracer("sql").start_span("SELECT").end()

    async def all_at_once(ids: list[uuid.UUID]) -> None:
        await asyncio.gather(*map(one, ids))

    ids = [uuid7() for _ in range(5)]
    asyncio.run(all_at_once(ids))
    traces = [span.context.trace_id for span in spans.get_finished_spans()]
    assert sorted(traces) == sorted(2 * [root_of(call_id).trace_id for call_id in ids])


def test_web_and_worker_sample_the_same_calls_and_the_share_that_was_asked():
    web, of_web, _ = tracer_with(sampler=ParentBasedTraceIdRatio(0.25))
    worker, of_worker, _ = tracer_with(sampler=ParentBasedTraceIdRatio(0.25))
    for _ in range(400):
        call_id = uuid7()
        with web.call(call_id, "x"):
            pass
        with worker.execution(uuid7(), call_id, "y"):
            pass
    sampled = {span.context.trace_id for span in of_web.get_finished_spans()}
    assert sampled == {span.context.trace_id for span in of_worker.get_finished_spans()}
    assert 40 < len(sampled) < 160


def test_a_failure_is_marked_and_its_words_are_not_sent():
    tracer, spans, _ = tracer_with()
    with pytest.raises(ValueError, match="hunter2"), tracer.call(uuid7(), "x"):
        raise ValueError("hunter2")
    (span,) = spans.get_finished_spans()
    assert not span.status.is_ok
    assert "hunter2" not in span.to_json()


def test_a_callers_own_trace_is_not_joined():
    tracer, spans, provider = tracer_with()
    with provider.get_tracer("caller").start_as_current_span("theirs") as theirs:
        with tracer.call(uuid7(), "x"):
            pass
        assert trace.get_current_span() is theirs
    ours = spans.get_finished_spans()[0]
    assert ours.context.trace_id != theirs.context.trace_id
