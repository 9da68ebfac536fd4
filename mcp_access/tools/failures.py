"""How a tool can fail, for its page in the docs: the code, when it comes, and what to do then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcp_access.tools.tool import Tool


@dataclass(frozen=True, kw_only=True)
class Failure:
    """`http` is the status it comes with where it is no result of the tool."""

    code: str
    when: str
    then: str
    http: int | None = None


# By name, which is the code but where one code has two meanings.
FAILURES = {
    "invalid_arguments": Failure(
        code="invalid_arguments",
        when="Arguments are missing, unknown or wrong.",
        then="Correct all of `problems` and call again.",
    ),
    "insufficient_scope": Failure(
        code="insufficient_scope",
        when="The token lacks the scope.",
        then="Reconnect and allow it, or make a token that has it.",
        http=403,
    ),
    "tier_required": Failure(
        code="tier_required",
        when="The account's tier does not include the scope.",
        then="Change the tier; a new token does not help.",
    ),
    "not_permitted": Failure(
        code="not_permitted",
        when="The person's role forbids it.",
        then="Ask somebody whose role allows it.",
    ),
    "not_found": Failure(
        code="not_found",
        when="This account has nothing of that id; other accounts' ids look the same.",
        then="List what there is, and take the id from there.",
    ),
    "stale_base": Failure(
        code="stale_base",
        when="What the draft is based on has changed meanwhile.",
        then="Read it again and draft on the present state.",
    ),
    "number_unavailable": Failure(
        code="number_unavailable",
        when="The number is sold, held by somebody, or given up.",
        then="Search again and choose another.",
    ),
    "release_blocked": Failure(
        code="release_blocked",
        when="The number can't be given up yet; `problems` lists every reason.",
        then="Remove the reasons first.",
    ),
    "holding_limit": Failure(
        code="quota_exceeded",
        when="The account holds as many numbers or waiting drafts as it may.",
        then="Decide, withdraw or release some of them first.",
    ),
    "balance_too_low": Failure(
        code="balance_too_low",
        when="The account does not hold what it costs.",
        then="Top up the account; what was drafted waits.",
    ),
    "idempotency_conflict": Failure(
        code="idempotency_conflict",
        when="The key was used with other arguments.",
        then="Take a new key for a new deed.",
    ),
    "approval_rejected": Failure(
        code="approval_rejected",
        when="A person said no, or took the draft back.",
        then="Read their comment; don't draft the same again.",
    ),
    "approval_expired": Failure(
        code="approval_expired",
        when="Nobody decided in time.",
        then="Ask whether it is still wanted, then draft anew.",
    ),
    "rate_limited": Failure(
        code="rate_limited",
        when="The token made too many calls within a minute.",
        then="Wait for `Retry-After` seconds, then send the same call once.",
        http=429,
    ),
    "month_used_up": Failure(
        code="quota_exceeded",
        when="The account's month is used up, on a tier that stops there.",
        then="Stop until `resets_at`, or change the tier.",
        http=429,
    ),
    "internal_error": Failure(
        code="internal_error",
        when="Something that was not expected.",
        then="Try once more; then send the call's id to Cliqtel.",
    ),
}


def failures_of(tool: Tool) -> Iterator[Failure]:
    """What a caller of the tool has to reckon with: its own failures, then those of all tools."""
    names = ["invalid_arguments", *tool.failures]
    if "idempotency_key" in tool.input_schema["properties"]:
        names.append("idempotency_conflict")
    if "approval_id" in tool.result.model_fields and not tool.hints.read_only:
        names += ["approval_rejected", "approval_expired"]
    if tool.scope:
        names += ["insufficient_scope", "tier_required", "not_permitted"]
    names += ["rate_limited", "month_used_up", "internal_error"]
    return (FAILURES[name] for name in names)
