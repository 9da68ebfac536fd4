"""What holds for every tool, whoever writes it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from django.db import transaction

from approvals.models import Approval
from audit.models import ToolCall
from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.errors import InvalidArguments, NotFound, PortalError
from mcp_access.authorization import InsufficientScope
from mcp_access.pipeline import execute_tool_call_sync
from mcp_access.results import error_result, to_call_tool_result, to_sdk_tool
from mcp_access.tools import registry
from tests.factories.mcp_access import DISCOVER, EVERY_SCOPE, principal_of
from tests.mcp_access.demo_arguments import (
    ARGUMENTS,
    FOREIGN_IDS,
    WRITE_ARGUMENTS,
    is_about_acme,
    real_arguments,
)
from tests.mcp_access.tool_examples import example_of, stored_examples, write_examples

ROOT = Path(__file__).resolve().parent.parent.parent
MANIFEST = ROOT / "docs" / "tool-manifest.json"
TOOLS = list(registry.all_tools().values())
NAMES = [tool.name for tool in TOOLS]
CHARACTERS_PER_TOKEN = 3.5  # of JSON schema text, on the careful side


def nodes(schema: Any, path: str = "") -> list[tuple[str, dict[str, Any]]]:
    """Every subschema with its place."""
    if isinstance(schema, list):
        return [hit for item in schema for hit in nodes(item, path)]
    if not isinstance(schema, dict):
        return []
    found = [(path, schema)]
    for key, value in schema.items():
        if key == "properties":
            for name, item in value.items():
                found += nodes(item, f"{path}/{name}")
        elif key in {"items", "anyOf", "oneOf", "allOf", "additionalProperties"}:
            found += nodes(value, f"{path}/{key}")
    return found


def test_the_ten_tools_of_reading_are_there():
    assert set(NAMES) >= {
        "get_call_flow",
        "get_document",
        "get_number_requirements",
        "get_pricing",
        "get_sip_config",
        "list_call_flows",
        "list_inventory",
        "search_docs",
        "search_numbers",
        "whoami",
    }


@pytest.mark.parametrize("tool", TOOLS, ids=NAMES)
def test_definition_keeps_to_the_profile_of_all_hosts(tool):
    assert re.fullmatch(r"[a-z0-9_]{1,40}", tool.name)
    assert tool.title
    assert 40 <= len(tool.description) <= 1024
    for schema in (tool.input_schema, tool.output_schema):
        assert schema["type"] == "object"
        jsonschema.Draft202012Validator.check_schema(schema)
        assert not {"anyOf", "oneOf", "allOf"} & schema.keys()
        for place, node in nodes(schema):
            assert not {"$ref", "$defs", "exclusiveMinimum", "exclusiveMaximum"} & node.keys(), (
                place
            )
            assert not isinstance(node.get("type"), list), place
            assert node.get("type") != "null", place
            for name in node.get("properties", {}):
                assert re.fullmatch(r"[a-z0-9_]{1,64}", name), f"{place}/{name}"
    assert tool.input_schema["additionalProperties"] is False
    for name, argument in tool.input_schema["properties"].items():
        assert argument.get("description"), f"{tool.name}.{name} says nothing"
    assert tool.output_schema["required"] == ["status"]


@pytest.mark.parametrize("tool", TOOLS, ids=NAMES)
def test_all_four_hints_are_on_the_wire(tool):
    sdk_tool = to_sdk_tool(tool).model_dump(by_alias=True, exclude_none=True)
    hints = {"readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"}
    # All hosts that know output schemas read the title beside the name: not twice.
    assert hints == sdk_tool["annotations"].keys()
    assert sdk_tool["title"]
    assert not (tool.hints.read_only and tool.hints.destructive)


@pytest.mark.parametrize("tool", TOOLS, ids=NAMES)
def test_a_test_file_stands_beside_each_tool(tool):
    assert (ROOT / "tests" / "mcp_access" / "catalog" / f"test_{tool.name}.py").exists()


@pytest.mark.parametrize("tool", TOOLS, ids=NAMES)
def test_a_result_is_outlined_by_the_names_and_types_of_its_members(tool):
    listed = tool.result.model_fields.keys() - tool.result.unlisted
    assert tool.output_schema["properties"].keys() == listed
    for member in tool.output_schema["properties"].values():
        assert member["type"]
        assert member.keys() <= {"type", "enum"}
    assert {"ok", "error"} <= set(tool.output_schema["properties"]["status"]["enum"])


def test_the_list_fits_into_a_hosts_budget():
    listed = [to_sdk_tool(tool).model_dump(by_alias=True, exclude_none=True) for tool in TOOLS]
    sent = json.dumps(listed, separators=(",", ":"), ensure_ascii=False)  # as the SDK does
    assert len(sent) / CHARACTERS_PER_TOKEN <= 8_000


def test_the_manifest_shows_the_exposure():
    """A changed tool shows in the diff: write the file anew with the printed text and review it."""
    exposure = {
        tool.name: {
            "scope": tool.scope,
            "read_only": tool.hints.read_only,
            "destructive": tool.hints.destructive,
            "arguments": sorted(tool.input_schema["properties"]),
            "results": sorted(tool.output_schema["properties"]),
        }
        for tool in TOOLS
    }
    text = json.dumps(exposure, indent=2, sort_keys=True) + "\n"
    if not MANIFEST.exists() or MANIFEST.read_text() != text:
        pytest.fail(f"docs/tool-manifest.json is not this:\n{text}")


@pytest.mark.parametrize("tool", TOOLS, ids=NAMES)
def test_unknown_and_wrong_arguments_are_told_all_at_once(tool, alice):
    with pytest.raises(PortalError) as caught:
        execute_tool_call_sync(
            principal_of(alice, scopes=EVERY_SCOPE), tool.name, {"no_such": 1, "nor_this": 2}
        )
    assert caught.value.code == "invalid_arguments"
    assert {"no_such", "nor_this"} <= {problem.field for problem in caught.value.problems}
    row = ToolCall.objects.get()
    assert (row.tool, row.status, row.error_code) == (tool.name, "error", "invalid_arguments")
    result = error_result(caught.value)
    jsonschema.validate(result.structured_content, tool.output_schema)


@pytest.mark.parametrize("tool", TOOLS, ids=NAMES)
def test_null_stands_for_an_optional_argument_that_is_left_out(tool):
    given = stored_examples()[tool.name]["arguments"]
    nulls = dict.fromkeys(tool.input_schema["properties"])
    assert tool.parse({**nulls, **given}) == tool.parse(given)
    required = tool.input_schema.get("required", [])
    if required:
        with pytest.raises(InvalidArguments) as caught:
            tool.parse({**given, **dict.fromkeys(required)})
        assert [problem.field for problem in caught.value.problems] == required


@pytest.mark.parametrize("tool", [tool for tool in TOOLS if tool.scope], ids=lambda tool: tool.name)
def test_a_token_without_the_scope_is_refused(tool, alice):
    others = tuple(scope for scope in DISCOVER if scope != tool.scope)
    with pytest.raises(InsufficientScope):
        execute_tool_call_sync(principal_of(alice, scopes=others), tool.name, {})


def test_every_tool_that_takes_an_id_is_tried_as_a_stranger():
    takes_id = {
        tool.name
        for tool in TOOLS
        for name, schema in tool.input_schema["properties"].items()
        if "uuid" in {schema.get("format"), schema.get("items", {}).get("format")}
    }
    assert takes_id == FOREIGN_IDS.keys()


@pytest.fixture
def demo(db):
    from cliqtel_portal.management.commands.demo import seed

    seed()


@pytest.fixture
def undone(subtests):
    """A subtest whose writes are undone: the demo is made once for all tools, which takes long."""

    @contextmanager
    def attempt(name: str) -> Iterator[None]:
        with subtests.test(tool=name), transaction.atomic():
            yield
            transaction.set_rollback(True)

    return attempt


def test_results_of_the_demo_validate_and_stay_within_bounds(demo, undone):
    """WRITE_TOOL_EXAMPLES=1 writes what the docs show anew: review the diff."""
    owner = Membership.objects.get(user__email="owner@acme.test")
    observed = {}
    for tool in TOOLS:
        with undone(tool.name):
            principal = principal_of(owner, scopes=EVERY_SCOPE)
            arguments = real_arguments(tool.name)
            answer = execute_tool_call_sync(principal, tool.name, arguments)
            result = to_call_tool_result(answer)
            assert result.structured_content["status"] != "error"
            assert len(result.structured_content) > 1
            jsonschema.validate(result.structured_content, tool.output_schema)
            assert 0 < len(answer.text) <= 600
            assert ToolCall.objects.get().status == "ok"
            observed[tool.name] = example_of(arguments, result.structured_content)
    if os.environ.get("WRITE_TOOL_EXAMPLES"):
        write_examples(observed)
    # Ids and times differ from run to run; what is told does not.
    told = {name: example["result"].keys() for name, example in observed.items()}
    assert {name: example["result"].keys() for name, example in stored_examples().items()} == told


def test_every_tool_has_its_arguments_of_the_demo():
    assert {tool.name for tool in TOOLS if tool.hints.read_only} == ARGUMENTS.keys()
    assert {tool.name for tool in TOOLS if not tool.hints.read_only} == WRITE_ARGUMENTS.keys()


def test_another_tenants_id_is_not_found(demo, undone):
    stranger = Membership.objects.get(user__email="owner@initech.test")
    for name, (argument, foreign_id) in FOREIGN_IDS.items():
        arguments = {**{**ARGUMENTS, **WRITE_ARGUMENTS}[name], argument: foreign_id}
        if name == "get_call_flow":
            del arguments["number"]
        with undone(name):
            wanted = {
                key: value() if callable(value) else value for key, value in arguments.items()
            }
            with pytest.raises(PortalError) as caught:
                execute_tool_call_sync(principal_of(stranger, scopes=EVERY_SCOPE), name, wanted)
            assert caught.value.code == "not_found"
            assert "Acme" not in caught.value.message


def test_a_stranger_sees_nothing_of_acme_by_any_tool(demo):
    from cliqtel_portal.callflows.models import CallFlow
    from cliqtel_portal.numbers.models import PhoneNumber
    from cliqtel_portal.trunks.models import Trunk

    secrets = {number.e164 for number in PhoneNumber.objects.filter(tenant__slug="acme")}
    for model in (CallFlow, Trunk):
        for row in model.objects.filter(tenant__slug="acme"):
            secrets.add(str(row.pk))
    stranger = Membership.objects.get(user__email="owner@globex.test")
    principal = principal_of(stranger)
    for name in ARGUMENTS:
        if is_about_acme(name):
            with pytest.raises(NotFound):
                execute_tool_call_sync(principal, name, real_arguments(name))
            continue
        text = execute_tool_call_sync(principal, name, real_arguments(name)).result
        assert [secret for secret in secrets if secret in text.model_dump_json()] == [], name


def test_a_stranger_drafts_nothing_about_acme(demo, undone):
    stranger = Membership.objects.get(user__email="owner@initech.test")
    for name in filter(is_about_acme, WRITE_ARGUMENTS):
        with undone(name):
            with pytest.raises(PortalError) as caught:
                execute_tool_call_sync(
                    principal_of(stranger, scopes=EVERY_SCOPE), name, real_arguments(name)
                )
            assert caught.value.code in {"not_found", "invalid_arguments", "number_unavailable"}
            assert not Approval.objects.filter(tenant=stranger.tenant).exists()


@pytest.mark.parametrize(
    "tool", [one for one in TOOLS if not one.hints.read_only], ids=lambda t: t.name
)
def test_a_tool_that_writes_can_be_repeated_safely(tool):
    assert "idempotency_key" in tool.input_schema["properties"]
