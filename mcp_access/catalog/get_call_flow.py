from __future__ import annotations

import uuid
from typing import Any, Literal

from django.conf import settings
from pydantic import ConfigDict, Field

from cliqtel_portal import phone
from cliqtel_portal.accounts.models import Tenant
from cliqtel_portal.callflows import services
from cliqtel_portal.callflows.mermaid import to_mermaid
from cliqtel_portal.errors import InvalidArguments, Problem
from mcp_access.tools.annotations import READ
from mcp_access.tools.tool import Answer, Arguments, Context, Part, Result, tool

# What is left for the rest of the result and for how the size is counted elsewhere.
_MARGIN_CHARS = 4_000
_LONG_TEXT, _LONG_LIST = 120, 10


class GetCallFlowArguments(Arguments):
    number: str | None = Field(
        default=None,
        max_length=32,
        description="In E.164, for example +31201234567.",
    )
    call_flow_id: uuid.UUID | None = Field(
        default=None, description="Instead of number; from list_call_flows."
    )


class NodePart(Part):
    id: str
    type: str = Field(description="schedule, menu, queue, voicemail, …")
    title: str
    config: dict[str, Any] = Field(
        default_factory=dict, description="Settings of the node; members depend on the type."
    )


class EdgePart(Part):
    # `from` is a word of Python: the wire's name is an alias, in the schema and in every dump.
    model_config = ConfigDict(serialize_by_alias=True)

    id: str
    from_: str = Field(alias="from", description="Id of the node it leaves.")
    to: str = Field(description="Id of the node it leads to.")
    on: str = Field(description="Outcome that takes this way, for example open, 1, no_answer.")


class LintPart(Part):
    code: str
    severity: Literal["error", "warning"]
    message: str
    node_id: str | None = None
    edge_id: str | None = None


class GetCallFlowResult(Result):
    call_flow_id: str | None = None
    flow_status: Literal["active", "draft", "archived"] | None = None
    name: str | None = None
    number: str | None = Field(default=None, description="The number asked for, in E.164.")
    number_display: str | None = None
    entry: str | None = Field(default=None, description="Id of the node where a call starts.")
    nodes: list[NodePart] = Field(default_factory=list)
    edges: list[EdgePart] = Field(default_factory=list)
    revision: int | None = Field(
        default=None, description="The active revision; the newest one of a draft."
    )
    etag: str | None = Field(default=None, description="Names this state; base of a change.")
    lint: list[LintPart] = Field(default_factory=list, description="Errors first.")
    mermaid: str | None = Field(default=None, description="The flow as a Mermaid flowchart.")
    shortened: list[str] = Field(
        default_factory=list, description="What was cut because the flow is very large."
    )
    portal_url: str | None = None


@tool(title="Get call flow", scope="mcp.callflows.read", hints=READ, failures=("not_found",))
def get_call_flow(context: Context, arguments: GetCallFlowArguments) -> Answer:
    """Show the call flow of a number, or one by its id, as a graph.

    Nodes with config, edges with the outcome that takes them, entry, revision, what the checker
    found (lint), a Mermaid drawing, and the etag that draft_call_flow_change needs.
    """
    number, state = _find(context.principal.tenant, arguments)
    result = _fitted(_result(state, number))
    errors = sum(finding.severity == "error" for finding in state.findings)
    warnings = len(state.findings) - errors
    return Answer(
        result=result,
        text=(
            f"{state.flow.name} ({state.flow.status}, revision {state.revision.number}): "
            f"{_count(len(state.graph.nodes), 'node')}, {_count(errors, 'error')}, "
            f"{_count(warnings, 'warning')}."
        ),
        facts={
            "nodes": len(state.graph.nodes),
            "revision": state.revision.number,
            "errors": errors,
            "warnings": warnings,
        },
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _find(tenant: Tenant, arguments: GetCallFlowArguments) -> tuple[str | None, services.FlowState]:
    """The number that was asked for, if one was, and its flow."""
    if arguments.call_flow_id is not None and arguments.number is None:
        return None, services.flow_by_id(tenant, arguments.call_flow_id)
    if arguments.number is not None and arguments.call_flow_id is None:
        number = _normalised(arguments.number)
        return number, services.flow_of_number(tenant, number)
    message = "Give either number or call_flow_id, exactly one of them."
    raise InvalidArguments(
        message,
        problems=[Problem(field=name, message=message) for name in ("number", "call_flow_id")],
    )


def _normalised(number: str) -> str:
    try:
        return phone.normalise(number)
    except phone.NotANumber as error:
        message = "Write the number in E.164 with its country code, for example +31201234567."
        raise InvalidArguments(
            "The number can't be read.", problems=[Problem(field="number", message=message)]
        ) from error


def _result(state: services.FlowState, number: str | None) -> GetCallFlowResult:
    flow, graph = state.flow, state.graph
    return GetCallFlowResult(
        flow_status=flow.status,
        call_flow_id=str(flow.pk),
        name=flow.name,
        number=number,
        number_display=phone.display(number) if number else None,
        entry=graph.entry,
        nodes=[
            NodePart(id=node.id, type=node.type, title=node.title, config=node.plain_config())
            for node in graph.nodes
        ],
        edges=[EdgePart.model_validate(edge.to_dict()) for edge in graph.edges],
        revision=state.revision.number,
        etag=state.revision.etag,
        lint=[
            LintPart(
                code=finding.code,
                severity=finding.severity,
                message=finding.message,
                node_id=finding.node_id,
                edge_id=finding.edge_id,
            )
            for finding in state.findings
        ],
        mermaid=to_mermaid(graph),
        portal_url=f"{settings.OAUTH_ISSUER}/callflows/{flow.pk}/",
    )


def _fitted(result: GetCallFlowResult) -> GetCallFlowResult:
    """The result within what hosts accept: the largest flows lose what can be seen elsewhere."""
    shortened: list[str] = []
    if not _fits(result):
        shortened.append("mermaid: left out; draw it from nodes and edges")
        result = result.model_copy(update={"mermaid": None})
    if not _fits(result):
        shortened.append(
            f"config: texts over {_LONG_TEXT} characters and lists over {_LONG_LIST} entries cut"
        )
        nodes = [node.model_copy(update={"config": _cut(node.config)}) for node in result.nodes]
        result = result.model_copy(update={"nodes": nodes})
    for name in ("lint", "edges", "nodes"):
        whole = kept = getattr(result, name)
        while not _fits(result) and len(kept) > 1:
            kept = kept[: len(kept) // 2]
            result = result.model_copy(update={name: kept})
        if len(kept) < len(whole):
            shortened.append(f"{name}: the first {len(kept)} of {len(whole)}; portal_url has all")
    return result.model_copy(update={"shortened": shortened})


def _fits(result: GetCallFlowResult) -> bool:
    size = len(result.model_dump_json(exclude_none=True))
    return size <= settings.MCP_MAX_RESULT_CHARS - _MARGIN_CHARS


def _cut(value: Any) -> Any:
    if isinstance(value, str):
        return value if len(value) <= _LONG_TEXT else f"{value[: _LONG_TEXT - 1]}…"
    if isinstance(value, list):
        return [_cut(entry) for entry in value[:_LONG_LIST]]
    if isinstance(value, dict):
        return {key: _cut(entry) for key, entry in value.items()}
    return value
