"""One tool call on its way: who, what, its audit row, and whether that row is closed."""

from __future__ import annotations

import contextvars
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from approvals.models import Approval
from audit.models import ToolCall as ToolCallRow
from audit.record import CallRecord, prepare_arguments
from cliqtel_portal.ids import uuid7
from mcp_access.limits import Burst
from mcp_access.principal import Principal
from mcp_access.tools import registry

_TOOL_NAME_LENGTH = 80


@dataclass(kw_only=True)
class ToolCall:
    """Made by the gate with the audit row open; the pipeline closes it, or else the endpoint."""

    principal: Principal
    record: CallRecord
    burst: Burst | None = None
    started: float = field(default_factory=time.perf_counter)
    is_closed: bool = False

    @property
    def duration_ms(self) -> int:
        return max(0, round((time.perf_counter() - self.started) * 1000))


# The SDK calls its handlers with its own context object; this carries ours around it.
current_principal: contextvars.ContextVar[Principal] = contextvars.ContextVar("mcp_principal")
current_call: contextvars.ContextVar[ToolCall | None] = contextvars.ContextVar(
    "mcp_call", default=None
)


def new_record(
    principal: Principal,
    *,
    tool: str,
    arguments: Any,
    call_id: uuid.UUID | None = None,
    protocol_version: str = "",
    client_label: str = "",
    counted: bool = True,
) -> CallRecord:
    """The audit row of a call, with every text made fit for its column."""
    known = registry.get(tool)
    kept, digest = prepare_arguments(arguments if arguments is not None else {})
    return CallRecord(
        id=call_id or uuid7(),
        tenant_id=principal.tenant.pk,
        tenant_label=_fit(principal.tenant.name, 120),
        user_id=principal.user.pk,
        user_label=_fit(principal.user.email, 254),
        token_id=principal.token_id,
        token_label=_fit(principal.token_name, 120),
        client_id=_fit(principal.client_id, 200),
        client_label=_fit(client_label or principal.client_name, 120),
        tool=_fit(tool, _TOOL_NAME_LENGTH),
        scope_required=(known.scope or "") if known else "",
        arguments=kept,
        argument_digest=digest,
        address=principal.address,
        protocol_version=_fit(protocol_version, 20),
        counted=counted,
    )


def execution_record(approval: Approval) -> CallRecord:
    """The audit row of an execution of what a tool call drafted and a person approved."""
    if approval.call_id is None or approval.token_id is None:
        raise ValueError("no tool call drafted this")
    kept, digest = prepare_arguments(approval.arguments)
    approver = approval.decisions.filter(verdict="approve").in_order().last()
    drafted = ToolCallRow.objects.filter(pk=approval.call_id).first()
    return CallRecord(
        tenant_id=approval.tenant_id,
        tenant_label=_fit(approval.tenant.name, 120),
        user_id=approval.requester_id,
        user_label=_fit(approval.requester.email, 254),
        token_id=approval.token_id,
        token_label=_fit(approval.token_label, 120),
        client_id=drafted.client_id if drafted else "",
        client_label=_fit(approval.client_label, 120),
        tool=approval.action,
        scope_required=drafted.scope_required if drafted else "",
        arguments=kept,
        argument_digest=digest,
        # The deed is the portal's own: what it costs of the month was counted with the draft.
        counted=False,
        parent_id=approval.call_id,
        approval_id=approval.pk,
        actor_id=approver.user_id if approver else None,
        actor_label=_fit(approver.user.email, 254) if approver else "",
    )


def _fit(text: str, length: int) -> str:
    """Printable, without NUL or half a surrogate pair, and no longer than the column."""
    clean = text.encode("utf-8", "replace").decode("utf-8")
    return "".join(character if character.isprintable() else "\ufffd" for character in clean)[
        :length
    ]
