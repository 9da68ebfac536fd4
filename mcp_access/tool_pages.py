"""Each tool's page in the docs, written from the registry: it can't say what the tool isn't."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings

from cliqtel_portal.accounts.permissions import role_needed_for
from cliqtel_portal.docs.models import Article
from cliqtel_portal.docs.source import ArticleSource, make_source, with_addresses
from mcp_access.tools import registry
from mcp_access.tools.approval import ApprovalResult
from mcp_access.tools.failures import failures_of
from mcp_access.tools.schema import input_schema
from mcp_access.tools.tool import Tool

# Arguments of the demo and what the tool answered; a test writes it and holds it to the schemas.
EXAMPLES = Path(__file__).resolve().parent / "tool_examples.json"
SECTION = "MCP tools"
_MAX_DEPTH = 3
_LIMITS = (
    ("minLength", "maxLength", " characters"),
    ("minimum", "maximum", ""),
    ("minItems", "maxItems", " of them"),
)


def tool_pages() -> list[ArticleSource]:
    return [_page(tool) for tool in registry.all_tools().values()]


@cache
def _examples() -> dict[str, Any]:
    examples: dict[str, Any] = json.loads(EXAMPLES.read_text(encoding="utf-8"))
    return examples


def _page(tool: Tool) -> ArticleSource:
    return make_source(
        f"tools/{tool.name}",
        title=f"{tool.name}: {tool.title}",
        section=SECTION,
        product=Article.Product.TOOLS,
        countries=[],
        keywords=[tool.name.replace("_", " "), tool.scope or "no scope"],
        reviewed=date.fromisoformat(_examples()["reviewed"]),
        markdown=with_addresses("\n\n".join(_parts(tool)) + "\n"),
    )


def _parts(tool: Tool) -> Iterator[str]:
    paragraphs = [" ".join(one.split()) for one in tool.description.split("\n\n")]
    yield "\n\n".join(paragraphs)
    yield "## Who may call it"
    yield _table(("Rule", "Here"), _facts(tool))
    yield "## Arguments"
    yield from _arguments(tool)
    if example := _examples()["tools"].get(tool.name):
        yield "## Example"
        yield from _example(tool, example)
    yield "## Result"
    yield (
        "Members of `structuredContent`. A member that has no value is left out. The second block"
        " of `content` is the same as JSON text, for hosts that show a model only text."
    )
    result = input_schema(tool.result)
    yield _table(("Member", "Type", "Meaning"), _members(result["properties"]))
    yield "## Errors"
    yield (
        "A failure is a result with `isError` true and `error` in place of the rest: `code`, "
        "`message`, `problems`, `retryable`. Those with a status of HTTP are refused before the "
        "tool is asked."
    )
    yield _table(
        ("Code", "When", "What to do"),
        [
            (f"`{one.code}`" + (f", HTTP {one.http}" if one.http else ""), one.when, one.then)
            for one in failures_of(tool)
        ],
    )
    yield "## Price"
    yield _price(tool)


def _facts(tool: Tool) -> Iterator[tuple[str, str]]:
    if tool.scope:
        scope = settings.MCP_SCOPES[tool.scope]
        yield "Scope", f"`{tool.scope}`: {scope['title']}"
        tier = settings.MCP_TIERS[scope["tier"]]["title"]
        yield "Tier", f"{tier}{' or higher' if scope['tier'] != 'embed' else ''}"
        yield "Role", f"{role_needed_for(tool.scope).capitalize()} or higher"
    else:
        yield "Scope", "None: any token may"
    yield "Effect", _effect(tool)
    yield "Approval", _approval(tool)
    if "idempotency_key" in tool.input_schema["properties"]:
        hours = settings.MCP_IDEMPOTENCY_SECONDS // 3600
        yield (
            "Repeating",
            f"The same `idempotency_key` and arguments within {hours} hours return the first "
            "result, with `replayed` true",
        )


def _effect(tool: Tool) -> str:
    if tool.hints.read_only:
        return "Reads only"
    if tool.hints.open_world:
        return "Reaches people outside of the account"
    if tool.hints.destructive:
        return "Changes the account, once approved"
    return "Drafts or holds something; changes nothing by itself"


def _approval(tool: Tool) -> str:
    if not issubclass(tool.result, ApprovalResult) or tool.hints.read_only:
        return "Not needed"
    if "sent" in tool.output_schema["properties"]["status"]["enum"]:
        return "A person's, beyond the account's limit for a day (`/approvals/`)"
    return "A person's, before anything happens (`/approvals/`)"


def _arguments(tool: Tool) -> Iterator[str]:
    properties = tool.input_schema["properties"]
    if not properties:
        yield "None."
        return
    required = set(tool.input_schema.get("required", []))
    yield _table(
        ("Argument", "Type and limits", "Meaning"),
        [
            (
                f"`{name}`" + (" **required**" if name in required else ""),
                "; ".join([_type(schema), *_limits(schema), *_default(tool, name)]),
                schema.get("description", ""),
            )
            for name, schema in properties.items()
        ],
    )
    if any(_is_deep(schema) for schema in properties.values()):
        yield "The whole schema:"
        yield _code("json", json.dumps(tool.input_schema, indent=2, ensure_ascii=False))


def _example(tool: Tool, example: dict[str, Any]) -> Iterator[str]:
    call = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": tool.name, "arguments": example["arguments"]},
    }
    yield "With a token in `CLIQTEL_TOKEN` (`ct_mcp_…`, from `/numbers/ai-access/tokens/`):"
    yield _code(
        "sh",
        "curl -sS {{ endpoint }} \\\n"
        '  -H "Authorization: Bearer $CLIQTEL_TOKEN" \\\n'
        '  -H "Content-Type: application/json" \\\n'
        '  -H "Accept: application/json, text/event-stream" \\\n'
        f"  -d {shlex.quote(json.dumps(call, ensure_ascii=False))}",
    )
    yield "`structuredContent` of the answer, from the demo account; long lists and texts are cut:"
    yield _code("json", json.dumps(example["result"], indent=2, ensure_ascii=False))


def _members(
    properties: dict[str, Any], prefix: str = "", depth: int = 1
) -> Iterator[tuple[str, str, str]]:
    for name, schema in properties.items():
        path = f"{prefix}{name}"
        yield f"`{path}`", _type(schema), _meaning(schema)
        inner = schema.get("items", schema)
        if path != "error" and depth < _MAX_DEPTH and "properties" in inner:
            mark = "[]." if "items" in schema else "."
            yield from _members(inner["properties"], f"{path}{mark}", depth + 1)


def _type(schema: dict[str, Any]) -> str:
    if "items" in schema:
        return f"list of {_type(schema['items'])}"
    if "const" in schema:
        return f"`{schema['const']}`"
    if schema.get("format") in {"uuid", "date", "date-time"}:
        return str(schema["format"]).replace("uuid", "UUID")
    return str(schema.get("type", "object"))


def _meaning(schema: dict[str, Any]) -> str:
    choices = schema.get("enum") or schema.get("items", {}).get("enum")
    told = [schema.get("description", "")]
    if choices:
        told.append("One of " + ", ".join(f"`{choice}`" for choice in choices) + ".")
    return " ".join(filter(None, told))


def _limits(schema: dict[str, Any]) -> Iterator[str]:
    if choices := schema.get("enum") or schema.get("items", {}).get("enum"):
        yield ", ".join(f"`{choice}`" for choice in choices)
    for least_key, most_key, unit in _LIMITS:
        least, most = schema.get(least_key), schema.get(most_key)
        # One character or item at least is what "required" says already.
        if unit and least == 1:
            least = None
        if least is not None and most is not None:
            yield f"{least}{unit}" if least == most else f"{least} to {most}{unit}"
        elif least is not None:
            yield f"{least}{unit} or more"
        elif most is not None:
            yield f"{most}{unit} or less"


def _default(tool: Tool, name: str) -> Iterator[str]:
    default = tool.arguments.model_fields[name].default
    if isinstance(default, (str, int)) and default != "":
        yield f"default `{json.dumps(default).strip(chr(34))}`"


def _is_deep(schema: dict[str, Any]) -> bool:
    inner = schema.get("items", schema)
    return bool(inner.keys() & {"properties", "anyOf", "oneOf"})


def _price(tool: Tool) -> str:
    months = []
    for tier in settings.MCP_TIERS.values():
        if tier["month"] is None:
            months.append(f"{tier['title']}: unlimited.")
        elif overage := tier.get("overage_eur"):
            months.append(f"{tier['title']}: {tier['month']:,}, then €{overage} a call.")
        else:
            months.append(f"{tier['title']}: {tier['month']:,}, then calls are refused.")
    text = f"Each call counts as one towards the account's calls of the month. {' '.join(months)}"
    if issubclass(tool.result, ApprovalResult) and not tool.hints.read_only:
        text += (
            "\n\nWhat it asks for is priced in `cost` of the answer, once and monthly. Nothing is "
            "charged before it is carried out."
        )
    return text


def _table(head: tuple[str, ...], rows: Any) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _code(language: str, text: str) -> str:
    return f"```{language}\n{text}\n```"
