"""What of a call's arguments may be kept: no secrets, no message texts, nothing without a bound."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from django.conf import settings

_SECRET_NAME = re.compile(
    r"pass(word|wd|phrase)?$|secret|token|authori[sz]ation|credential|api_?key|private|cookie|^pin$|otp",
    re.IGNORECASE,
)
_TEXT_NAMES = frozenset(
    {"text", "body", "message", "variables", "template_variables", "media_urls"}
)
_BEARER = re.compile(r"(ct_mcpr?_[A-Za-z0-9]{4})[A-Za-z0-9]+|\b(Bearer\s+)\S+", re.IGNORECASE)
# Names that look secret and are none.
_PLAIN_NAMES = frozenset({"idempotency_key", "token_id"})

_MAX_STRING = 500
_MAX_ITEMS = 50
_MAX_DEPTH = 6
_MAX_KEY = 60
# Of arguments that are too large: names of 60 characters at 6 bytes each stay within the bound.
_MAX_NAMES = 20


def redact(arguments: Any) -> Any:
    """Return a copy fit for the log: JSON of at most `AUDIT_MAX_ARGUMENT_BYTES`.

    Secret-looking members and the text of messages become their length; long strings, long lists
    and deep nesting are cut and say so. Never fails, whatever the input.
    """
    kept = _keep(arguments, name="", depth=0)
    if len(json.dumps(kept, ensure_ascii=False).encode("utf-8", "replace")) > (
        settings.AUDIT_MAX_ARGUMENT_BYTES
    ):
        names = (
            sorted(_keep_name(name) for name in arguments)[:_MAX_NAMES]
            if isinstance(arguments, Mapping)
            else []
        )
        return {"_cut": "too large to keep", "_names": names}
    return kept


def _keep(value: Any, *, name: str, depth: int) -> Any:
    if name and name not in _PLAIN_NAMES and _SECRET_NAME.search(name):
        return "[redacted]"
    if name.lower() in _TEXT_NAMES:
        size = len(value) if isinstance(value, (str, list, Mapping)) else 0
        return f"[text, {size}]"
    if isinstance(value, str):
        return _keep_string(value)
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        # jsonb holds any size, but nothing here has a use for a thousand digits.
        return value if abs(value) < 10**18 else "[number]"
    if isinstance(value, float):
        return _keep_float(value)
    if depth >= _MAX_DEPTH:
        return "[nested too deep]"
    if isinstance(value, Mapping):
        items = list(value.items())
        kept = {
            _keep_name(key): _keep(item, name=str(key), depth=depth + 1)
            for key, item in items[:_MAX_ITEMS]
        }
        if len(items) > _MAX_ITEMS:
            kept["_cut"] = f"{len(items) - _MAX_ITEMS} more"
        return kept
    if isinstance(value, (list, tuple)):
        rows = [_keep(item, name="", depth=depth + 1) for item in value[:_MAX_ITEMS]]
        if len(value) > _MAX_ITEMS:
            rows.append(f"[{len(value) - _MAX_ITEMS} more]")
        return rows
    return f"[{type(value).__name__}]"


def _keep_float(value: float) -> int | float | str:
    # jsonb gives 1e20 and 5.0 back as integers; the row's signature must not depend on that.
    if not math.isfinite(value) or abs(value) >= 10**15:
        return "[number]"
    return int(value) if value.is_integer() else value


def _keep_name(value: Any) -> str:
    return _keep_string(str(value))[:_MAX_KEY]


def _keep_string(value: str) -> str:
    # PostgreSQL's jsonb refuses NUL, UTF-8 refuses lone surrogates.
    clean = value.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")
    clean = _BEARER.sub(lambda match: f"{match.group(1) or match.group(2)}[redacted]", clean)
    return clean if len(clean) <= _MAX_STRING else f"{clean[:_MAX_STRING]}… [{len(clean)}]"
