"""What came of an approval, in words for a person."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from approvals.models import Approval
from approvals.states import Status
from cliqtel_portal.accounts.models import Tenant
from cliqtel_portal.phone import display

_MAX_NUMBERS = 5


def outcome_words(approval: Approval, tenant: Tenant, now: datetime) -> str:
    """Empty while nobody has decided, and where nothing was to be done."""
    match approval.status:
        case Status.APPROVED:
            return "Approved. It begins in a moment."
        case Status.EXECUTING:
            return _under_way(approval, tenant, now)
        case Status.EXECUTED:
            return _done(approval.outcome or {})
        case Status.FAILED:
            return _failed(approval.outcome or {})
    return ""


def _under_way(approval: Approval, tenant: Tenant, now: datetime) -> str:
    if not approval.retry_message or approval.due_at is None:
        return "Approved. It is being done now."
    if approval.due_at <= now:
        return f"{approval.retry_message} It is being tried again."
    at = approval.due_at.astimezone(ZoneInfo(tenant.time_zone))
    return f"{approval.retry_message} Next try at {at:%H:%M:%S}."


def _done(outcome: Mapping[str, Any]) -> str:
    """Executors keep to plain members: `numbers` or `number`, `revision`, `messages`, `status`."""
    # The numbers of a call flow's revision are those that it serves: nothing was done to them.
    numbers = outcome.get("numbers") if "revision" not in outcome else []
    if not isinstance(numbers, list):
        numbers = [outcome["number"]] if "number" in outcome else []
    parts = [_number(one) for one in numbers[:_MAX_NUMBERS]]
    if len(numbers) > _MAX_NUMBERS:
        parts.append(f"{len(numbers) - _MAX_NUMBERS} more")
    if "revision" in outcome:
        parts.append(f"revision {outcome['revision']}")
    if isinstance(count := outcome.get("messages"), int):
        parts.append(f"{count} message{'' if count == 1 else 's'}")
    if isinstance(outcome.get("status"), str) and not any("(" in part for part in parts):
        parts.append(_plain(outcome["status"]))
    return f"Done: {', '.join(parts)}." if parts else "Done."


def _number(one: object) -> str:
    if not isinstance(one, Mapping):
        return display(str(one))
    number = display(str(one.get("number", "")))
    return f"{number} ({_plain(str(one['status']))})" if one.get("status") else number


def _plain(status: str) -> str:
    return status.replace("_", " ")


def _failed(outcome: Mapping[str, Any]) -> str:
    message = str(outcome.get("message") or "It was not done.")
    problems = [
        str(problem.get("message", ""))
        for problem in outcome.get("problems") or []
        if isinstance(problem, Mapping)
    ]
    return " ".join([message, *(text for text in problems if text and text != message)])
