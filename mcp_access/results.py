"""Outcomes in the protocol's words: all that a model reads about a failure is made here."""

from __future__ import annotations

from typing import Any

from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    CallToolResult,
    ElicitRequest,
    ElicitRequestURLParams,
    InputRequiredResult,
    TextContent,
    ToolAnnotations,
)
from mcp_types import Tool as SdkTool

from cliqtel_portal.errors import PortalError
from mcp_access.tools.tool import Answer, Prompt, Tool


def to_sdk_tool(tool: Tool) -> SdkTool:
    return SdkTool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=tool.input_schema,
        output_schema=tool.output_schema,
        annotations=ToolAnnotations(
            read_only_hint=tool.hints.read_only,
            destructive_hint=tool.hints.destructive,
            idempotent_hint=tool.hints.idempotent,
            open_world_hint=tool.hints.open_world,
        ),
    )


def to_call_tool_result(answer: Answer) -> CallToolResult:
    """The data twice: some hosts give a model the structured content only, others the text only."""
    data = answer.result.model_dump_json(exclude_none=True)
    return CallToolResult(
        content=[TextContent(text=answer.text), TextContent(text=data)],
        structured_content=answer.result.model_dump(mode="json", exclude_none=True),
        is_error=False,
    )


def to_input_required(prompt: Prompt, approval_id: str) -> InputRequiredResult:
    """Ask the host to open the approval's page (MCP 2026-07-28, URL elicitation).

    The state is sealed on its way out (`server.get_server`): a client can't name another approval.
    """
    request = ElicitRequest(params=ElicitRequestURLParams(message=prompt.message, url=prompt.url))
    return InputRequiredResult(input_requests={"approval": request}, request_state=approval_id)


def error_result(error: PortalError) -> CallToolResult:
    """A failure as a result: what went wrong, all problems, and what to do next, twice."""
    problems = [{"field": one.field, "message": one.message} for one in error.problems]
    lines = [error.message, *(f"- {one['field']}: {one['message']}" for one in problems)]
    body: dict[str, Any] = {
        "code": error.code,
        "message": error.message,
        "problems": problems,
        "retryable": error.retryable,
    }
    return CallToolResult(
        content=[TextContent(type="text", text="\n".join(lines))],
        structured_content={"status": "error", "error": body},
        is_error=True,
    )


def refused_request(error: PortalError) -> MCPError:
    """What is answered by an error of the protocol: there is no result to put it in."""
    return MCPError(INVALID_PARAMS, error.message, {"code": error.code})
