"""One row of the log, and the code that proves it was written by us.

The canonical form below is signed into every row: never rename, reorder or drop a member; a new
one is added by a new version of `_canonical`, chosen by the key id.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.conf import settings

from audit.redaction import redact
from cliqtel_portal.ids import uuid7


@dataclass(frozen=True, kw_only=True)
class CallRecord:
    """What is known of a call before its tool runs. `arguments` are redacted already."""

    tenant_id: uuid.UUID
    tenant_label: str
    user_id: uuid.UUID
    user_label: str
    token_id: uuid.UUID
    token_label: str
    tool: str
    arguments: Any
    argument_digest: str
    client_id: str = ""
    client_label: str = ""
    scope_required: str = ""
    address: str = ""
    protocol_version: str = ""
    counted: bool = True
    parent_id: uuid.UUID | None = None
    approval_id: uuid.UUID | None = None
    actor_id: uuid.UUID | None = None
    actor_label: str = ""
    id: uuid.UUID = field(default_factory=uuid7)
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a call ended. `result` holds counts and codes, never data of the answer."""

    status: str
    duration_ms: int
    error_code: str = ""
    result: Any = None
    approval_id: uuid.UUID | None = None
    cost_amount: Decimal | None = None
    cost_currency: str = ""


class UnknownKey(Exception):
    """A row was signed with a key that this installation does not have."""


def prepare_arguments(arguments: Any) -> tuple[Any, str]:
    """Return the redacted arguments and the keyed digest of them as they were sent.

    Keyed, because a plain hash of a short secret could be guessed from the log.
    """
    canonical = json.dumps(arguments, sort_keys=True, separators=(",", ":"), default=str)
    digest = hmac.new(signing_key(settings.AUDIT_KEY_ID), b"arguments\x00", hashlib.sha256)
    digest.update(canonical.encode("utf-8", "surrogatepass"))
    return redact(arguments), digest.hexdigest()


def sign(record: CallRecord, outcome: Outcome | None, *, counted: bool, key_id: str) -> str:
    """Return the hex HMAC-SHA256 over the row's canonical fields; without an outcome, as opened."""
    message = json.dumps(
        _canonical(record, outcome, counted=counted, key_id=key_id),
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
    )
    return hmac.new(signing_key(key_id), message.encode(), hashlib.sha256).hexdigest()


def signing_key(key_id: str) -> bytes:
    """The key of that id, the present one or a retired one.

    Raises:
        UnknownKey: this installation doesn't have it.
    """
    if key_id == settings.AUDIT_KEY_ID:
        return str(settings.AUDIT_KEY).encode()
    try:
        return str(settings.AUDIT_OLD_KEYS[key_id]).encode()
    except KeyError as error:
        raise UnknownKey(key_id) from error


def _canonical(
    record: CallRecord, outcome: Outcome | None, *, counted: bool, key_id: str
) -> dict[str, Any]:
    def text(value: uuid.UUID | None) -> str | None:
        return str(value) if value else None

    cost = outcome.cost_amount if outcome else None
    return {
        "v": 1,
        "key": key_id,
        "id": str(record.id),
        "started_at": record.started_at.astimezone(UTC).isoformat(timespec="microseconds"),
        "tenant_id": str(record.tenant_id),
        "tenant_label": record.tenant_label,
        "user_id": str(record.user_id),
        "user_label": record.user_label,
        "token_id": str(record.token_id),
        "token_label": record.token_label,
        "client_id": record.client_id,
        "client_label": record.client_label,
        "tool": record.tool,
        "scope_required": record.scope_required,
        "arguments": record.arguments,
        "argument_digest": record.argument_digest,
        "address": record.address,
        "protocol_version": record.protocol_version,
        "counted": counted,
        "parent_id": text(record.parent_id),
        "approval_id": text((outcome and outcome.approval_id) or record.approval_id),
        "actor_id": text(record.actor_id),
        "actor_label": record.actor_label,
        "status": outcome.status if outcome else "running",
        "duration_ms": outcome.duration_ms if outcome else None,
        "error_code": outcome.error_code if outcome else "",
        "result": outcome.result if outcome else None,
        "cost_amount": None if cost is None else _as_stored(cost),
        "cost_currency": outcome.cost_currency if outcome else "",
    }


def _as_stored(amount: Decimal) -> str:
    """The column rounds to six places and gives 0.500000 back for 0.5."""
    rounded = amount.quantize(Decimal("0.000001"), rounding=ROUND_HALF_UP)
    return f"{rounded.normalize() + 0:f}"  # + 0: the column knows no -0
