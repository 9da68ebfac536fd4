"""The SDK's low-level server: translation between the protocol and the pipeline, nothing else."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.utils.crypto import salted_hmac
from mcp.server.caching import CacheHint
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel.server import Server
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp_types import (
    CallToolRequestParams,
    CallToolResult,
    InputRequiredResult,
    ListPromptsResult,
    ListResourcesResult,
    ListResourceTemplatesResult,
    ListToolsResult,
    PaginatedRequestParams,
    ReadResourceRequestParams,
    ReadResourceResult,
    TextResourceContents,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from cliqtel_portal import __version__
from cliqtel_portal.errors import PortalError
from mcp_access import results
from mcp_access.authorization import is_visible
from mcp_access.call import ToolCall, current_call, current_principal
from mcp_access.pipeline import UnknownTool, execute_tool_call
from mcp_access.resources import articles
from mcp_access.tools import registry

INSTRUCTIONS = (
    "Cliqtel: the telephone numbers, SIP trunks, call flows, prices, requirements and docs of one"
    " customer account. Start with whoami: it tells the account, the scopes and the limits left."
    " Reading is free of consequences. Whatever costs money or changes routing is only drafted"
    " and then waits for a person's click in the portal. Numbers are E.164 (+31201234567), money"
    " is a decimal string with its currency, times are UTC. An error says what to do next."
)

_Context = ServerRequestContext[Any, Any]
_PRIVATE_MINUTE = CacheHint(ttl_ms=60_000, scope="private")


async def _list_tools(context: _Context, params: PaginatedRequestParams | None) -> ListToolsResult:
    principal = current_principal.get()
    visible = [tool for tool in registry.all_tools().values() if is_visible(principal, tool)]
    return ListToolsResult(tools=[results.to_sdk_tool(tool) for tool in visible])


async def _call_tool(
    context: _Context, params: CallToolRequestParams
) -> CallToolResult | InputRequiredResult:
    try:
        answer = await execute_tool_call(
            _open_call(), params.name, params.arguments, resumed=params.request_state or ""
        )
    except UnknownTool as error:
        raise results.refused_request(error) from error
    except PortalError as error:
        return results.error_result(error)
    # Asked once: the round that comes back gets its answer, whatever the person did.
    if answer.prompt is not None and not params.request_state and _opens_links(context):
        return results.to_input_required(answer.prompt, str(answer.approval_id))
    return results.to_call_tool_result(answer)


def _open_call() -> ToolCall:
    """What the gate opened a row for, or refused: no row, no tool."""
    call = current_call.get()
    if call is None:
        raise RuntimeError("a tool call without its audit row")
    return call


def _opens_links(context: _Context) -> bool:
    """Whether the client takes part in multi round trips and can show a person an address."""
    if context.protocol_version not in MODERN_PROTOCOL_VERSIONS:
        return False
    capabilities = context.session.client_capabilities
    elicitation = capabilities.elicitation if capabilities else None
    return elicitation is not None and elicitation.url is not None


async def _list_resources(
    context: _Context, params: PaginatedRequestParams | None
) -> ListResourcesResult:
    return ListResourcesResult(resources=[])


async def _list_resource_templates(
    context: _Context, params: PaginatedRequestParams | None
) -> ListResourceTemplatesResult:
    return ListResourceTemplatesResult(resource_templates=[])


async def _read_resource(
    context: _Context, params: ReadResourceRequestParams
) -> ReadResourceResult:
    # Read by name, never listed: search_docs names them, best first.
    try:
        answer = await execute_tool_call(
            _open_call(), articles.TOOL, articles.arguments_of(params.uri)
        )
    except PortalError as error:
        raise results.refused_request(error) from error
    text = articles.text_of(answer)
    content = TextResourceContents(uri=params.uri, mime_type=articles.MIME_TYPE, text=text)
    return ReadResourceResult(contents=[content])


async def _list_prompts(
    context: _Context, params: PaginatedRequestParams | None
) -> ListPromptsResult:
    return ListPromptsResult(prompts=[])


def _input_schema(name: str) -> Mapping[str, Any] | None:
    """Without this the SDK would list all tools before every call."""
    tool = registry.get(name)
    return tool.input_schema if tool else None


@functools.cache
def get_server() -> Server[Any]:
    server: Server[Any] = Server(
        "cliqtel",
        title="Cliqtel AI Access",
        version=__version__,
        instructions=INSTRUCTIONS,
        cache_hints={"tools/list": _PRIVATE_MINUTE},
        get_tool_input_schema=_input_schema,
        on_list_tools=_list_tools,
        on_call_tool=_call_tool,
        on_list_resources=_list_resources,
        on_list_resource_templates=_list_resource_templates,
        on_read_resource=_read_resource,
        on_list_prompts=_list_prompts,
    )
    # The SDK's own key is one of the process: another process, or a restart, could not open it.
    key = salted_hmac("mcp_access.request_state", "", algorithm="sha256").digest()
    security = RequestStateSecurity(keys=[key], ttl=settings.MCP_REQUEST_STATE_SECONDS)
    # Without the SDK's own spans: a caller's `_meta` would choose their trace (see tracing).
    server.middleware = [RequestStateBoundary(security, default_audience="cliqtel")]
    return server
