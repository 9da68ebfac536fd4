"""JSON schemas in the profile that all hosts accept (architecture.md, Facts about the MCP SDK).

Object at the root; no $ref, no type arrays, no exclusive bounds, no null branches: an optional
member is one that may be absent.
"""

from __future__ import annotations

import copy
from collections.abc import Set
from typing import Any

from pydantic import BaseModel

# Pydantic titles every member after its name: tokens that tell a model nothing.
_NOISE = frozenset({"title", "default", "discriminator"})


def input_schema(model: type[BaseModel]) -> dict[str, Any]:
    schema = _flatten(model.model_json_schema(mode="validation"))
    schema.setdefault("properties", {})
    return schema


def output_schema(model: type[BaseModel], *, unlisted: Set[str] = frozenset()) -> dict[str, Any]:
    """The result's members but the `unlisted`, by name and type.

    `status` is the only one required: SDK 1.x clients validate error results too, so an error must
    fit every schema. What members hold in turn and descriptions are left out: all of `tools/list`
    has to fit into a host's context, and results are typed by their models before they leave.
    """
    members = _flatten(model.model_json_schema(mode="validation"))["properties"]
    outline = {name: _outline(member) for name, member in members.items() if name not in unlisted}
    outline["status"]["enum"] = members["status"]["enum"]
    return {"type": "object", "properties": outline, "required": ["status"]}


def _outline(node: dict[str, Any]) -> dict[str, Any]:
    return {"type": node["type"]} if "type" in node else {}


def _flatten(schema: dict[str, Any]) -> dict[str, Any]:
    definitions = schema.pop("$defs", {})
    flat = _resolve(schema, definitions)
    assert isinstance(flat, dict)
    return flat


def _resolve(node: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_resolve(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        target = copy.deepcopy(definitions[node["$ref"].rpartition("/")[2]])
        target.update({key: value for key, value in node.items() if key != "$ref"})
        return _resolve(target, definitions)
    branches = node.get("anyOf")
    if branches is not None:
        present = [branch for branch in branches if branch.get("type") != "null"]
        if len(present) == 1:
            merged = {key: value for key, value in node.items() if key != "anyOf"}
            return _resolve({**present[0], **merged}, definitions)
    result: dict[str, Any] = {}
    for key, value in node.items():
        if key in _NOISE and not isinstance(value, dict):
            continue
        if key == "properties":
            result[key] = {name: _resolve(item, definitions) for name, item in value.items()}
        elif key == "default":
            continue
        else:
            result[key] = _resolve(value, definitions)
    if "exclusiveMinimum" in result:
        raise ValueError("use an inclusive minimum: some hosts refuse exclusiveMinimum")
    return result
