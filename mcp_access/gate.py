"""What is decided before the SDK gets a request: everything that needs an HTTP status.

Body bounds, burst, scope, month. For what runs a tool it opens the audit row: no row, no tool.
"""

from __future__ import annotations

import json
import logging
import uuid
from dataclasses import dataclass
from datetime import UTC
from types import NoneType
from typing import Any

from django.conf import settings
from mcp_types import CLIENT_INFO_META_KEY, INVALID_REQUEST, PARSE_ERROR
from psycopg import Error as DatabaseError
from psycopg_pool import PoolTimeout

from audit.services import month_bounds, open_tool_call, refuse_tool_call
from mcp_access import authentication, metrics
from mcp_access.authentication import Denied
from mcp_access.authorization import InsufficientScope, access_error
from mcp_access.call import ToolCall, new_record
from mcp_access.limits import Burst, hit_burst
from mcp_access.principal import Principal
from mcp_access.replies import (
    INSUFFICIENT_SCOPE,
    RATE_LIMITED,
    UNAUTHORIZED,
    UNAVAILABLE,
    Receive,
    Refusal,
)
from mcp_access.resources import articles
from mcp_access.tools import registry

logger = logging.getLogger(__name__)

TOOLS_CALL = "tools/call"
RESOURCES_READ = "resources/read"


@dataclass(frozen=True, kw_only=True)
class Request:
    """A POST's one JSON-RPC message. `body` is it written anew: what we judged is what runs."""

    body: bytes
    message: dict[str, Any]
    # Under which it is logged and traced, and the id of its row if it calls a tool.
    call_id: uuid.UUID
    protocol_version: str
    user_agent: str

    @property
    def id(self) -> Any:
        return self.message.get("id")

    @property
    def is_tool_call(self) -> bool:
        return self.message.get("method") in (TOOLS_CALL, RESOURCES_READ) and "id" in self.message

    @property
    def reads_resource(self) -> bool:
        return self.message.get("method") == RESOURCES_READ

    @property
    def params(self) -> dict[str, Any]:
        params = self.message.get("params")
        return params if isinstance(params, dict) else {}

    @property
    def tool_name(self) -> str:
        if self.reads_resource:
            return articles.TOOL
        name = self.params.get("name")
        return name if isinstance(name, str) else ""

    @property
    def arguments(self) -> Any:
        if self.reads_resource:
            return articles.arguments_of(self.params.get("uri"))
        return self.params.get("arguments")

    @property
    def wants_stream(self) -> bool:
        """Only progress and subscriptions need an event stream; all else is answered as JSON."""
        meta = self.params.get("_meta")
        asks_progress = isinstance(meta, dict) and "progressToken" in meta
        return asks_progress or self.message.get("method") == "subscriptions/listen"

    @property
    def client_label(self) -> str:
        """Name and version that the client gives itself, else its User-Agent."""
        meta = self.params.get("_meta")
        info = meta.get(CLIENT_INFO_META_KEY) if isinstance(meta, dict) else None
        if info is None and self.message.get("method") == "initialize":
            info = self.params.get("clientInfo")
        if isinstance(info, dict) and isinstance(info.get("name"), str):
            version = info.get("version")
            return f"{info['name']} {version}" if isinstance(version, str) else str(info["name"])
        return self.user_agent


async def read_request(
    headers: dict[bytes, bytes], receive: Receive, *, call_id: uuid.UUID
) -> Request:
    """Read the body, whole and bounded, and parse it strictly.

    Raises:
        Refusal: 413 too large, 400 anything that is not one JSON object in UTF-8.
    """
    limit = settings.MCP_MAX_BODY_BYTES
    declared = headers.get(b"content-length", b"")
    if declared.isdigit() and int(declared[:20]) > limit:
        raise _too_large(limit)
    body = bytearray()
    while True:
        event = await receive()
        if event["type"] != "http.request":
            raise Refusal(400)  # the client went away in the middle; nobody reads this
        body += event.get("body", b"")
        if len(body) > limit:
            raise _too_large(limit)
        if not event.get("more_body"):
            break
    message = _parse(bytes(body))
    return Request(
        body=_written_anew(message),
        message=message,
        call_id=call_id,
        protocol_version=headers.get(b"mcp-protocol-version", b"").decode("latin-1"),
        user_agent=headers.get(b"user-agent", b"").decode("latin-1"),
    )


async def admit(principal: Principal, request: Request) -> ToolCall | None:
    """Let the request through, with the open audit row if it calls a tool.

    Raises:
        Refusal: 429 over the burst or the month, 403 step-up, 503 where the log can't be written.
    """
    burst = await _check_burst(principal, request)
    if not request.is_tool_call:
        return None
    try:
        return await _admit_call(principal, request, burst)
    except Refusal as refusal:
        # It has taken its place in the minute, whatever it was refused for.
        refusal.headers += burst.headers
        raise


async def _admit_call(principal: Principal, request: Request, burst: Burst) -> ToolCall:
    tool = registry.get(request.tool_name)
    error = access_error(principal, tool) if tool else None
    if isinstance(error, InsufficientScope) and tool and tool.scope:
        await _record_refusal(principal, request, error.code)
        wanted = principal.scopes | {tool.scope}
        raise Refusal(
            403,
            code=INSUFFICIENT_SCOPE,
            message=error.message,
            data={"code": error.code, "scope": tool.scope},
            headers=[authentication.challenge(error="insufficient_scope", scopes=wanted)],
            request_id=request.id,
        )
    record = _record(principal, request)
    month_limit = principal.calls_per_month if principal.month_is_hard else None
    try:
        is_open = await open_tool_call(record, month_limit=month_limit)
    except (DatabaseError, PoolTimeout) as failure:
        logger.exception("the log can't be written: a tool call was refused")
        raise _unavailable(request) from failure
    if not is_open:
        raise _month_used_up(principal, request)
    return ToolCall(principal=principal, record=record, burst=burst)


async def deny(denied: Denied, request: Request | None) -> Refusal:
    """The 401, one for every cause. A known token's tool call is logged, within its burst."""
    logger.info("401: %s", denied.reason)
    metrics.count_auth_failure(denied.reason)
    principal = denied.principal
    if principal is not None and request is not None and request.is_tool_call:
        burst = await hit_burst(f"denied:{principal.token_id}", principal.burst_per_minute)
        if burst.allowed:
            await _record_refusal(principal, request, "invalid_token")
    return Refusal(
        401,
        code=UNAUTHORIZED,
        message="Authentication needed: send a valid bearer token.",
        data={"code": "unauthorized"},
        headers=[authentication.challenge(error="invalid_token" if denied.token_sent else "")],
    )


async def _check_burst(principal: Principal, request: Request) -> Burst:
    limit = principal.burst_per_minute
    if request.is_tool_call:
        burst = await hit_burst(f"call:{principal.token_id}", limit)
    else:
        limit *= settings.MCP_OTHER_METHODS_FACTOR
        burst = await hit_burst(f"other:{principal.token_id}", limit)
    if burst.allowed:
        return burst
    if request.is_tool_call:
        await _record_refusal(principal, request, "rate_limited")
    wait = burst.retry_after_seconds
    headers = [(b"retry-after", str(wait).encode())]
    raise Refusal(
        429,
        code=RATE_LIMITED,
        message=f"Over the burst limit of {burst.limit} calls a minute for this token. "
        f"Try again in {wait} s.",
        data={"code": "rate_limited", "limit": burst.limit, "retry_after": wait},
        headers=headers + (burst.headers if request.is_tool_call else []),
        request_id=request.id,
    )


def _month_used_up(principal: Principal, request: Request) -> Refusal:
    _, resets_at = month_bounds()
    resets = resets_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Refusal(
        429,
        code=RATE_LIMITED,
        message=f"This month's {principal.calls_per_month} tool calls of the account are used up. "
        f"Do not retry before {resets}; a higher tier has more.",
        data={"code": "quota_exceeded", "limit": principal.calls_per_month, "resets_at": resets},
        request_id=request.id,
    )


async def _record_refusal(principal: Principal, request: Request, error_code: str) -> None:
    try:
        await refuse_tool_call(_record(principal, request, counted=False), error_code)
    except (DatabaseError, PoolTimeout) as failure:
        logger.exception("the log can't be written: a refusal is not in it")
        raise _unavailable(request) from failure


def _record(principal: Principal, request: Request, *, counted: bool = True) -> Any:
    return new_record(
        principal,
        call_id=request.call_id,
        tool=request.tool_name,
        arguments=request.arguments,
        protocol_version=request.protocol_version,
        client_label=request.client_label,
        counted=counted,
    )


def _unavailable(request: Request) -> Refusal:
    return Refusal(
        503,
        code=UNAVAILABLE,
        message="The audit log is not available, so no tool runs. Try again shortly.",
        data={"code": "unavailable", "retryable": True},
        headers=[(b"retry-after", b"5")],
        request_id=request.id,
    )


def _too_large(limit: int) -> Refusal:
    return Refusal(413, code=INVALID_REQUEST, message=f"The request is larger than {limit} bytes.")


def _parse(body: bytes) -> dict[str, Any]:
    try:
        message = json.loads(
            body.decode("utf-8"), parse_constant=_refuse_constant, parse_float=_finite
        )
    except (ValueError, RecursionError) as error:
        raise Refusal(
            400, code=PARSE_ERROR, message="The body is not JSON in UTF-8. Send one JSON object."
        ) from error
    if not isinstance(message, dict):
        raise Refusal(
            400,
            code=INVALID_REQUEST,
            message="Send one JSON-RPC request or notification; batches are not supported.",
        )
    if problem := _envelope_problem(message):
        raise Refusal(400, code=INVALID_REQUEST, message=problem, request_id=message.get("id"))
    # Arguments are judged by the pipeline, as problems of the call.
    params = message.get("params")
    arguments = params.get("arguments") if isinstance(params, dict) else None
    if _is_too_deep(message):
        raise Refusal(
            400,
            code=INVALID_REQUEST,
            message=f"The JSON is nested deeper than {settings.MCP_MAX_JSON_DEPTH} levels.",
            request_id=message.get("id"),
        )
    if _has_nul(message, skip=arguments):
        raise Refusal(400, code=INVALID_REQUEST, message="Remove the NUL characters.")
    return message


def _envelope_problem(message: dict[str, Any]) -> str:
    """What keeps it from being JSON-RPC 2.0, if anything does.

    The SDK would answer with its own validator's words, and take a request whose id is null for a
    notification, which nobody ever answers.
    """
    if message.get("jsonrpc") != "2.0":
        return 'Set "jsonrpc" to "2.0".'
    if "method" not in message:
        # An answer of the client's; we ask it nothing, and the SDK drops it.
        is_answer = isinstance(message.get("result"), dict) or isinstance(
            message.get("error"), dict
        )
        return "" if is_answer else 'There is no "method".'
    if not isinstance(message["method"], str):
        return '"method" is a string.'
    if "id" in message and (
        isinstance(message["id"], bool) or not isinstance(message["id"], (str, int))
    ):
        return '"id" is a string or an integer; only a notification has none.'
    if not isinstance(message.get("params"), (dict, NoneType)):
        return '"params" is an object; leave it out where there are none.'
    return ""


def _written_anew(message: dict[str, Any]) -> bytes:
    try:
        return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError as error:
        raise Refusal(
            400, code=PARSE_ERROR, message="The JSON has half a surrogate pair. Send whole text."
        ) from error


def _finite(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError("out of range")
    return value


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _is_too_deep(message: dict[str, Any]) -> bool:
    level: list[Any] = [message]
    for _ in range(settings.MCP_MAX_JSON_DEPTH):
        level = [
            child
            for node in level
            for child in (node.values() if isinstance(node, dict) else node)
            if isinstance(child, (dict, list))
        ]
        if not level:
            return False
    return True


def _has_nul(message: dict[str, Any], *, skip: Any) -> bool:
    waiting: list[Any] = [message]
    while waiting:
        node = waiting.pop()
        if skip is not None and node is skip:
            continue
        if isinstance(node, str):
            if "\x00" in node:
                return True
        elif isinstance(node, dict):
            waiting.extend(node)
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)
    return False
