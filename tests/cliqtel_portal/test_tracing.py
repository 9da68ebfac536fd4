"""Where spans begin, with a tracer of our own; OpenTelemetry's is test_tracing_sdk.py's."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.core.exceptions import ImproperlyConfigured

from approvals import services
from approvals.models import Approval
from audit.models import ToolCall
from cliqtel_portal import tracing
from mcp_access.asgi import McpEndpoint
from mcp_access.pipeline import execute_approved_call, execute_tool_call_sync
from tests.factories.mcp_access import EVERY_SCOPE, make_token, principal_of
from tests.mcp_access.drafting import drafting


class Recorder:
    def __init__(self) -> None:
        self.spans: list[tuple[Any, ...]] = []
        self.attributes: dict[str, Any] = {}

    def set_attribute(self, key: str, value: str | int) -> None:
        self.attributes[key] = value

    @contextmanager
    def call(self, call_id: uuid.UUID, name: str) -> Iterator[Recorder]:
        self.spans.append((name, call_id))
        yield self

    @contextmanager
    def execution(self, call_id: uuid.UUID, parent_id: uuid.UUID, name: str) -> Iterator[Recorder]:
        self.spans.append((name, call_id, parent_id))
        yield self


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    recorder = Recorder()
    tracing.install(recorder)
    yield recorder
    tracing.install(None)


async def ask(method: str, token: str = "", tool: str = "whoami") -> int:
    """The status of one request to the endpoint, in this process."""
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool}}
    waiting = [{"type": "http.request", "body": json.dumps(message).encode(), "more_body": False}]
    headers = {
        "host": "127.0.0.1",
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": "2025-11-25",
        "authorization": f"Bearer {token}",
    }
    sent: list[Any] = []

    async def receive() -> Any:
        return waiting.pop() if waiting else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": "/mcp",
        "raw_path": b"/mcp",
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "http_version": "1.1",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 50_000),
        "server": ("127.0.0.1", 8000),
    }
    await McpEndpoint()(scope, receive, send)
    return int(sent[0]["status"])


async def test_a_refused_request_is_a_trace_as_well(recorder):
    assert await ask("GET") == 405
    assert [name for name, _ in recorder.spans] == ["GET /mcp"]
    assert recorder.attributes == {"http.response.status_code": 405}


@pytest.mark.wire
@pytest.mark.django_db(transaction=True)
async def test_a_calls_trace_has_the_id_of_its_row(recorder, alice):
    _, token = await sync_to_async(make_token)(alice)
    assert await ask("POST", token) == 200
    row = await ToolCall.objects.aget()
    assert recorder.spans == [("POST /mcp", row.pk)]
    assert recorder.attributes == {"cliqtel.tool": "whoami", "http.response.status_code": 200}
    assert await ask("POST", token, tool="made_up_by_the_caller") == 200
    assert "made_up_by_the_caller" not in recorder.attributes.values()


@pytest.mark.django_db
def test_an_execution_belongs_to_the_call_that_drafted_it(recorder, alice, bob, monkeypatch):
    with drafting(monkeypatch):
        principal = principal_of(bob, scopes=EVERY_SCOPE)
        arguments = {"words": "a", "reason": "because"}
        drafted = execute_tool_call_sync(principal, "draft_probe", arguments)
        approval = Approval.objects.get(pk=drafted.result.approval_id)
        services.approve(alice, approval_id=approval.pk, seen_digest=approval.digest)
        execute_approved_call(approval, dict)
    row = ToolCall.objects.get(parent_id=approval.call_id)
    assert recorder.spans == [(f"execute {row.tool}", row.pk, approval.call_id)]


def test_without_the_extra_the_start_says_what_to_install(monkeypatch):
    monkeypatch.setattr(tracing, "_SDK", "cliqtel_portal.no_such_module")
    with pytest.raises(ImproperlyConfigured, match=r"pip install '\.\[otel\]'"):
        tracing.switch_on()


def test_nothing_is_traced_unless_it_is_switched_on():
    assert tracing._tracer is None
    with tracing.call(uuid.uuid4(), "x") as span:
        span.set_attribute("a", 1)
