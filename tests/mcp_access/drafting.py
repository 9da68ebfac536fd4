"""A tool that asks a person, for tests of what lies around such tools."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import MappingProxyType

import pytest
from pydantic import Field

from approvals import executors
from approvals.services import request_approval
from mcp_access.executors import ToolExecutor
from mcp_access.tools import registry
from mcp_access.tools.annotations import DRAFT
from mcp_access.tools.approval import ApprovalResult, answer
from mcp_access.tools.fields import DryRun, IdempotencyKey, Reason
from mcp_access.tools.tool import Answer, Arguments, Context, tool
from tests.factories.approvals import CountingExecutor, quote_of

ACTION = "draft_probe"
SCOPE = "mcp.orders.draft"


class DraftProbeArguments(Arguments):
    words: str = Field(default="", description="Anything.")
    reason: Reason | None = None
    idempotency_key: IdempotencyKey | None = None
    dry_run: DryRun = False


class DraftProbeResult(ApprovalResult):
    words: str | None = None


@tool(title="Draft a probe", scope=SCOPE, hints=DRAFT)
def draft_probe(context: Context, arguments: DraftProbeArguments) -> Answer:
    """Ask a person for something that only tests want to have done."""
    if arguments.dry_run:
        return Answer(result=DraftProbeResult(dry_run=True), text="It could be asked for.")
    requester = context.requester
    approval = request_approval(
        requester.tenant,
        requester=requester.user,
        action=ACTION,
        title="Do the probe",
        arguments={"words": arguments.words},
        quote=quote_of("1.50", "2"),
        reason_text=arguments.reason or "",
        token_id=requester.token_id,
        token_label=requester.token_label,
        client_label=requester.client_label,
        call_id=requester.call_id,
    )
    return answer(approval, DraftProbeResult(words=arguments.words))


@contextmanager
def drafting(monkeypatch: pytest.MonkeyPatch) -> Iterator[CountingExecutor]:
    """The tool is in the registry and its deed counts, for as long as the block lasts."""
    counting = CountingExecutor(price=quote_of("1.50", "2"))
    every = {**registry.all_tools(), draft_probe.name: draft_probe}
    monkeypatch.setattr(registry, "all_tools", lambda: MappingProxyType(every))
    executors.register(ACTION, ToolExecutor(counting))
    try:
        yield counting
    finally:
        executors.unregister(ACTION)
