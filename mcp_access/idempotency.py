"""A key makes a call safe to repeat: the same key and arguments have one effect and one outcome.

Row and work are one transaction. A process that dies leaves neither; a second call with the key
waits at the unique constraint until the first has committed or failed. Failures are not kept: the
same key may be tried again.
"""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from approvals.digest import canonical_json
from cliqtel_portal.errors import PortalError
from mcp_access.ending import delete_in_batches
from mcp_access.models import IdempotentCall
from mcp_access.principal import Principal
from mcp_access.tools.tool import Answer, Arguments, Context, Tool


class IdempotencyConflict(PortalError):
    """The key was used for something else."""

    code = "idempotency_conflict"


def run_once(tool: Tool, context: Context, arguments: Arguments) -> Answer:
    """Run the tool's handler; where a key was sent, once for that key in 24 hours.

    A dry run leaves no trace, so it uses no key up.

    Raises:
        IdempotencyConflict: the key stands for another call.
        PortalError: the handler's.
    """
    if tool.hints.read_only:
        return tool.handler(context, arguments)
    key = getattr(arguments, "idempotency_key", None)
    if key is None or getattr(arguments, "dry_run", False):
        with transaction.atomic():
            return tool.handler(context, arguments)
    return _run_once(tool, context, arguments, key)


@transaction.atomic
def _run_once(tool: Tool, context: Context, arguments: Arguments, key: str) -> Answer:
    holder = holder_of(context.principal)
    digest = _digest(tool, arguments)
    oldest = timezone.now() - timedelta(seconds=settings.MCP_IDEMPOTENCY_SECONDS)
    calls = IdempotentCall.objects.for_tenant(context.principal.tenant)
    calls.forgotten(oldest).filter(holder=holder, key=key).delete()
    row, is_new = calls.get_or_create(
        tenant_id=context.principal.tenant.pk,
        holder=holder,
        key=key,
        defaults={"tool": tool.name, "digest": digest},
    )
    if not is_new:
        return _replay(tool, row, digest)
    answer = tool.handler(context, arguments)
    row.result = answer.result.model_dump(mode="json", exclude_none=True)
    row.text = answer.text
    row.approval_id = answer.approval_id
    row.save(update_fields=["result", "text", "approval_id"])
    return answer


def _replay(tool: Tool, row: IdempotentCall, digest: str) -> Answer:
    if row.digest != digest:
        raise IdempotencyConflict(
            f"This idempotency_key was used for another call of {row.tool}. Use a new key for a new"
            " request; repeat the very same arguments to repeat that one."
        )
    text = f"{row.text} (This call was made before; nothing was done again.)"
    if row.approval_id is not None:
        text += " That was the answer then: get_approval_status tells how it stands now."
    return Answer(
        result=tool.result.model_validate({**row.result, "replayed": True}),
        text=text,
        facts={"replayed": True},
        approval_id=row.approval_id,
    )


def holder_of(principal: Principal) -> str:
    """Whose keys they are: a static token, or an app of a person however often it renews."""
    if principal.token_kind == "oauth":  # noqa: S105 - a kind, not a token
        return f"oauth:{principal.client_id}:{principal.user.pk}"
    return f"static:{principal.token_id}"


def _digest(tool: Tool, arguments: Arguments) -> str:
    members = arguments.model_dump(mode="json", exclude={"idempotency_key"})
    canonical = canonical_json({"tool": tool.name, "arguments": members})
    # Keyed: a plain hash of a short message could be guessed.
    return salted_hmac("mcp_access.idempotency", canonical, algorithm="sha256").hexdigest()


def forget_old_keys(*, batch: int = 1_000) -> int:
    """Keys whose day is over are gone; return how many."""
    before = timezone.now() - timedelta(seconds=settings.MCP_IDEMPOTENCY_SECONDS)
    return delete_in_batches(IdempotentCall.objects.forgotten(before), batch)
