"""The tools' pages of the docs: of the registry, with examples that the schemas accept."""

from __future__ import annotations

import json
import re

import jsonschema
import pytest
from django.test import Client

from cliqtel_portal.docs.loading import ARTICLES, load_articles
from cliqtel_portal.docs.rendering import render_html
from mcp_access.tool_pages import tool_pages
from mcp_access.tools import registry
from mcp_access.tools.failures import FAILURES, failures_of
from mcp_access.tools.schema import input_schema
from tests.mcp_access.tool_examples import stored_examples

TOOLS = list(registry.all_tools().values())


def page_of(name: str) -> str:
    return next(page.markdown for page in tool_pages() if page.slug == f"tools/{name}")


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_the_example_is_one_that_the_tool_accepts_and_gives(tool):
    example = stored_examples()[tool.name]
    jsonschema.validate(example["arguments"], tool.input_schema)
    tool.parse(example["arguments"])
    jsonschema.validate(example["result"], tool.output_schema)
    # All the way down, against what the page's table says.
    jsonschema.validate(example["result"], input_schema(tool.result))
    assert example["result"]["status"] != "error"


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_the_page_says_what_the_registry_does(tool):
    page = page_of(tool.name)
    assert " ".join(page.split()).startswith(" ".join(tool.description.split()))
    assert f"`{tool.scope}`: " in page or tool.scope is None
    for name in tool.input_schema["properties"]:
        mark = " **required**" if name in tool.input_schema.get("required", []) else ""
        assert f"\n| `{name}`{mark} | " in page
    for name in tool.result.model_fields:
        assert f"\n| `{name}` | " in page
    for failure in failures_of(tool):
        assert f"\n| `{failure.code}`" in page
    assert "{{" not in page
    headings = re.findall(r"^## (.+)$", page, re.MULTILINE)
    assert headings == ["Who may call it", "Arguments", "Example", "Result", "Errors", "Price"]


def test_limits_are_told_as_one_range():
    page = page_of("search_numbers")
    assert "| `country` **required** | string; 2 characters |" in page
    assert "| `quantity` | integer; 1 to 100 |" in page


def test_the_call_shown_is_one_of_this_portals(settings):
    settings.MCP_RESOURCE_URL = "https://mcp.example/mcp"
    page = page_of("search_numbers")
    assert "curl -sS https://mcp.example/mcp \\\n" in page
    [sent] = re.findall(r"  -d '(.+)'", page)
    assert json.loads(sent)["params"] == {
        "name": "search_numbers",
        "arguments": stored_examples()["search_numbers"]["arguments"],
    }


@pytest.mark.parametrize("name", ["purchase_number", "send_message"])
def test_the_page_tells_who_approves(name):
    assert "\n| Approval | A person's, " in page_of(name)
    assert "`cost`" in page_of(name)


def test_tables_hold_together_whatever_stands_in_them():
    for page in tool_pages():
        html = render_html(page.markdown, role="owner")
        assert html.count("<table>") >= 3, page.slug
        assert "| ---" not in html, page.slug


def test_every_failure_is_some_tools():
    used = {id(one) for tool in TOOLS for one in failures_of(tool)}
    assert {name for name, one in FAILURES.items() if id(one) not in used} == set()


def test_the_article_on_errors_knows_every_code():
    article = (ARTICLES / "ai-access-rate-limits-and-errors.md").read_text()
    assert {one.code for one in FAILURES.values() if f"`{one.code}`" not in article} == set()


@pytest.mark.django_db
def test_pages_are_in_the_contents_and_found_by_a_search(bob):
    load_articles()
    client = Client()
    client.force_login(bob.user)
    contents = client.get("/docs/").content.decode()
    for tool in TOOLS:
        assert f'href="/docs/tools/{tool.name}/"' in contents
    found = client.get("/docs/?q=dry_run+message").content.decode()
    assert 'class="card hit" href="/docs/tools/send_message/' in found
    first = client.get("/docs/?q=whoami").content.decode().partition('class="card hit" href="')[2]
    assert first.startswith("/docs/tools/whoami/")
    page = client.get("/docs/tools/send_message/").content.decode()
    assert "<h1>send_message: Send message</h1>" in page
    twin = client.get("/docs/tools/send_message.md")
    assert twin["Content-Type"] == "text/markdown; charset=utf-8"
    assert client.get("/docs/tools/no_such_tool/").status_code == 404
