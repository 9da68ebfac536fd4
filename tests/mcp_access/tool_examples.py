"""What the pages of the tools show: calls of the demo account, cut to what a reader needs."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from django.conf import settings

from mcp_access.tool_pages import EXAMPLES

MAX_ROWS = 2
MAX_CHARS = 300


def example_of(arguments: dict[str, Any], result: dict[str, Any]) -> dict[str, Any]:
    return {"arguments": _shown(arguments), "result": _shown(result)}


def stored_examples() -> dict[str, Any]:
    examples: dict[str, Any] = json.loads(EXAMPLES.read_text())["tools"]
    return examples


def write_examples(examples: dict[str, Any]) -> None:
    today = datetime.now(UTC).date().isoformat()
    content = {"reviewed": today, "tools": examples}
    EXAMPLES.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def _shown(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _shown(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_shown(member) for member in value[:MAX_ROWS]]
    if isinstance(value, str):
        value = value.replace(settings.MCP_RESOURCE_URL, "{{ endpoint }}")
        value = value.replace(settings.OAUTH_ISSUER, "{{ issuer }}")
        return value if len(value) <= MAX_CHARS else f"{value[:MAX_CHARS]} …"
    return value
