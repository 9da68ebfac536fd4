"""What ties a click to what runs: one hash over action, tenant, arguments and price.

The encoding survives PostgreSQL's jsonb, which forgets the order of keys and the spelling of
numbers (1e2 comes back as 100): keys are sorted, numbers have one spelling.
"""

from __future__ import annotations

import hashlib
import json
import math
import uuid
from collections.abc import Mapping
from decimal import Decimal
from typing import Any


class NotCanonical(ValueError):
    """The value is not JSON, or is JSON that PostgreSQL can't store."""


def digest_of(
    *,
    action: str,
    tenant_id: uuid.UUID,
    arguments: Mapping[str, Any],
    quote: Mapping[str, Any] | None,
) -> str:
    """Return 64 hexadecimal digits.

    Raises:
        NotCanonical: the arguments can't be stored as they are.
    """
    text = canonical_json(
        {
            "action": action,
            "tenant": str(tenant_id),
            "arguments": arguments,
            "quote": quote,
        }
    )
    return hashlib.sha256(text.encode()).hexdigest()


def canonical_json(value: Any) -> str:
    """Return the only spelling of the value.

    Raises:
        NotCanonical: it is not JSON, or holds NUL, half a surrogate pair, NaN or an infinity.
    """
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return _number(value)
        case str():
            return _string(value)
        case Mapping():
            return _object(value)
        case list() | tuple():
            return "[" + ",".join(canonical_json(item) for item in value) + "]"
    raise NotCanonical(f"{type(value).__name__} is not JSON")


def _number(value: float) -> str:
    if not math.isfinite(value):
        raise NotCanonical("a number must be finite")
    # By its shortest decimal spelling, which is what jsonb keeps. It knows one zero, and comes back
    # from it as an integer where it was written with an exponent.
    return f"{Decimal(repr(value)).normalize():f}" if value else "0"


def _string(value: str) -> str:
    if "\x00" in value:
        raise NotCanonical("text holds a NUL character")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise NotCanonical("text holds half a surrogate pair") from error
    return json.dumps(value, ensure_ascii=False)


def _object(value: Mapping[Any, Any]) -> str:
    if not all(isinstance(key, str) for key in value):
        raise NotCanonical("a key is not text")
    members = (f"{_string(key)}:{canonical_json(value[key])}" for key in sorted(value))
    return "{" + ",".join(members) + "}"
