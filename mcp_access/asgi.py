"""`/mcp`: hygiene, authenticate, gate, and over to the SDK.

A raw ASGI application, before Django's own handler, which would cost every request about a
millisecond and hold nothing that is needed here.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import time
import uuid
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from mcp.server.auth.middleware.auth_context import auth_context_var
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecurityMiddleware, TransportSecuritySettings
from mcp_types import INTERNAL_ERROR, INVALID_REQUEST
from psycopg import Error as DatabaseError
from psycopg_pool import PoolTimeout
from starlette.requests import Request as StarletteRequest

from audit.record import Outcome
from cliqtel_portal import tracing
from cliqtel_portal.ids import uuid7
from cliqtel_portal.network import address_from
from mcp_access import authentication, gate, metrics, pipeline
from mcp_access.authentication import Authenticated, Denied
from mcp_access.call import ToolCall, current_call, current_principal
from mcp_access.replies import UNAVAILABLE, Header, Message, Receive, Refusal, Scope, Send
from mcp_access.server import get_server
from mcp_access.tools import registry

logger = logging.getLogger(__name__)

_ALLOW = b"POST, OPTIONS"
_CORS: list[Header] = [
    # Bearer tokens only, no cookies: any page may ask, none is asked on the person's behalf.
    (b"access-control-allow-origin", b"*"),
    (
        b"access-control-expose-headers",
        b"WWW-Authenticate, Mcp-Session-Id, Retry-After, RateLimit, RateLimit-Policy",
    ),
]
_PREFLIGHT: list[Header] = [
    (b"access-control-allow-methods", _ALLOW),
    (
        b"access-control-allow-headers",
        b"Authorization, Content-Type, Accept, Mcp-Protocol-Version, Mcp-Session-Id, Mcp-Method,"
        b" Mcp-Name, Last-Event-ID",
    ),
    (b"access-control-max-age", b"600"),
    (b"allow", _ALLOW),
]


class McpEndpoint:
    """The ASGI application of `/mcp` and `/mcp/`."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # One id for the lines of the log, the trace, and the row if a tool is called.
        call_id = uuid7()
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=str(call_id))
        answer = _Answer(send)
        started = time.perf_counter()
        with tracing.call(call_id, f"{scope['method']} /mcp") as span:
            await self._answer(scope, receive, answer, call_id, span)
            span.set_attribute("http.response.status_code", answer.status)
        duration_ms = round((time.perf_counter() - started) * 1000)
        metrics.RESPONSES.labels(answer.status).inc()
        logger.info("mcp %s %d in %d ms", scope["method"], answer.status, duration_ms)

    async def _answer(
        self,
        scope: Scope,
        receive: Receive,
        answer: _Answer,
        call_id: uuid.UUID,
        span: tracing.Span,
    ) -> None:
        """Something is answered, whatever happens."""
        try:
            await self._serve(scope, receive, answer, call_id, span)
        except Refusal as refusal:
            metrics.count_refusal(refusal.reason)
            await refusal.send(answer)
        except Exception:
            # The boundary: the server would answer with the exception's words.
            logger.exception("mcp request failed")
            if not answer.status:
                await Refusal(
                    500,
                    code=INTERNAL_ERROR,
                    message=f"Something went wrong on our side. Tell Cliqtel: {call_id}.",
                ).send(answer)

    async def _serve(
        self,
        scope: Scope,
        receive: Receive,
        answer: _Answer,
        call_id: uuid.UUID,
        span: tracing.Span,
    ) -> None:
        await _check_hygiene(scope, receive)
        headers: dict[bytes, bytes] = dict(scope["headers"])
        address = _client_address(scope)
        try:
            found = await authentication.authenticate(scope["headers"], address)
        except (DatabaseError, PoolTimeout) as error:
            logger.exception("authentication is not possible")
            raise Refusal(
                503,
                code=UNAVAILABLE,
                message="Authentication is not possible right now. Try again shortly.",
                headers=[(b"retry-after", b"5")],
            ) from error
        if isinstance(found, Denied):
            # Strangers' bodies are not read: only a known token's calls go into the log.
            request = None
            if found.principal is not None:
                request = await gate.read_request(headers, receive, call_id=call_id)
            raise await gate.deny(found, request)
        request = await gate.read_request(headers, receive, call_id=call_id)
        if registry.get(request.tool_name) is not None:
            span.set_attribute("cliqtel.tool", request.tool_name)
        call = await gate.admit(found.principal, request)
        if call is not None and call.burst is not None:
            answer.headers += call.burst.headers
        # The SDK refuses some without calling the tool: protocol version, headers, parameters.
        unfinished = "invalid_request"

        async def send(message: Message) -> None:
            # A stream begins before its tool does; any other answer follows the end of its row.
            if not request.wants_stream:
                await _close(call, unfinished)
            await answer(message)

        try:
            await _hand_over(scope, receive, send, found, request, call)
        except asyncio.CancelledError:
            # The client left, or the server stops. What a thread has begun it brings to its end.
            unfinished = "interrupted"
            raise
        finally:
            await _close(call, unfinished)
            authentication.remember_use(
                found,
                tool=request.tool_name if call else "",
                client=request.client_label,
            )


async def _close(call: ToolCall | None, error_code: str) -> None:
    """The row of a call that came to no end of its own is closed."""
    if call is not None and not call.is_closed:
        ended = Outcome(status="error", error_code=error_code, duration_ms=call.duration_ms)
        await pipeline.close(call, ended)


async def _hand_over(
    scope: Scope,
    receive: Receive,
    send: Send,
    found: Authenticated,
    request: gate.Request,
    call: ToolCall | None,
) -> None:
    """Let the SDK answer, with a session manager of this one request.

    A shared manager needs a lifespan, which daphne does not send, and kept daphne from ever
    stopping once a synchronous tool had run.
    """
    is_replayed = False

    async def replay() -> Message:
        nonlocal is_replayed
        if not is_replayed:
            is_replayed = True
            return {"type": "http.request", "body": request.body, "more_body": False}
        return await receive()

    user = authentication.sdk_user(found.principal)
    inner: Scope = dict(scope, user=user, headers=_sized(scope["headers"], len(request.body)))
    user_token = auth_context_var.set(user)
    principal_token = current_principal.set(found.principal)
    call_token = current_call.set(call)
    structlog.contextvars.bind_contextvars(**_log_context(request, call))
    manager = StreamableHTTPSessionManager(
        get_server(),
        stateless=True,
        json_response=not request.wants_stream,
        security_settings=None,  # checked in `_check_hygiene`, before anything else
        max_request_body_size=settings.MCP_MAX_BODY_BYTES,
    )
    try:
        async with manager.run():
            await manager.handle_request(inner, replay, send)
    finally:
        auth_context_var.reset(user_token)
        current_principal.reset(principal_token)
        current_call.reset(call_token)


def _log_context(request: gate.Request, call: ToolCall | None) -> dict[str, str]:
    """On each line that is logged while the request is served."""
    if call is None:
        return {"method": str(request.message.get("method"))[:40]}
    return {"call": str(call.record.id), "tool": call.record.tool}


async def _check_hygiene(scope: Scope, receive: Receive) -> None:
    """Method, Host, Origin, Content-Type.

    Raises:
        Refusal: 204 for a preflight, 405, 421, 403, 400.
    """
    if scope["method"] == "OPTIONS":
        raise Refusal(204, headers=_PREFLIGHT)
    if scope["method"] != "POST":
        # A stateless GET would open a stream that never says anything and never ends.
        raise Refusal(
            405,
            code=INVALID_REQUEST,
            message="Use POST: this endpoint keeps no sessions and opens no streams by GET.",
            headers=[(b"allow", _ALLOW)],
        )
    refused = await _transport_security().validate_request(
        StarletteRequest(scope, receive), is_post=True
    )
    if refused is not None:
        messages = {
            400: "Send Content-Type: application/json.",
            421: "This host name is not served here. Check the address of the endpoint.",
            403: "This Origin may not call the endpoint.",
        }
        raise Refusal(
            refused.status_code,
            code=INVALID_REQUEST,
            message=messages.get(refused.status_code, "The request is refused."),
        )


@functools.cache
def _transport_security() -> TransportSecurityMiddleware:
    resource = urlsplit(settings.MCP_RESOURCE_URL)
    issuer = urlsplit(settings.OAUTH_ISSUER)
    hosts = {resource.netloc, *settings.MCP_EXTRA_HOSTS}
    origins = {
        f"{resource.scheme}://{resource.netloc}",
        f"{issuer.scheme}://{issuer.netloc}",
        *settings.MCP_ALLOWED_ORIGINS,
    }
    loopback = ("127.0.0.1", "localhost", "[::1]")
    if resource.hostname in {"127.0.0.1", "localhost", "::1"}:
        hosts |= {host for name in loopback for host in (name, f"{name}:*")}
    # A developer's inspector in a browser; it still needs a token.
    origins |= {f"http://{name}{port}" for name in loopback for port in ("", ":*")}
    return TransportSecurityMiddleware(
        TransportSecuritySettings(allowed_hosts=sorted(hosts), allowed_origins=sorted(origins))
    )


def _client_address(scope: Scope) -> str:
    peer = scope.get("client") or ("", 0)
    forwarded = b",".join(
        value for name, value in scope["headers"] if name.lower() == b"x-forwarded-for"
    )
    return address_from(str(peer[0]), forwarded.decode("latin-1"))


def _sized(headers: list[Header], length: int) -> list[Header]:
    kept = [(name, value) for name, value in headers if name.lower() != b"content-length"]
    return [*kept, (b"content-length", str(length).encode())]


class _Answer:
    """The way back: adds the CORS headers and others' `headers`, remembers the status."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 0
        self.headers = list(_CORS)

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message = {**message, "headers": [*message.get("headers", []), *self.headers]}
        await self._send(message)
