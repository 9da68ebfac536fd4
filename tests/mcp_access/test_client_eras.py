"""The official SDK's client, in both protocol eras, over a real daphne."""

from __future__ import annotations

import pytest
from mcp.shared.exceptions import MCPError

from audit.models import ToolCall
from audit.services import is_authentic
from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.management.commands.demo import seed
from mcp_access.bridge import run_sync
from mcp_access.client import connect
from mcp_access.tools import registry
from tests.factories.mcp_access import make_token
from tests.mcp_access.demo_arguments import ARGUMENTS, real_arguments

pytestmark = [pytest.mark.wire, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def token(alice) -> str:
    return make_token(alice)[1]


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28", "auto"])
async def test_client_lists_and_calls(mode, web, token):
    async with connect(web.mcp, token, mode=mode) as client:
        listed = await client.list_tools()
        result = await client.call_tool("whoami", {})
        assert (await client.list_resources()).resources == []
        assert (await client.list_resource_templates()).resource_templates == []
        assert (await client.list_prompts()).prompts == []
    assert [tool.name for tool in listed.tools] == list(registry.all_tools())
    assert result.is_error is False
    assert result.structured_content["tenant"]["slug"] == "acme-test"
    assert result.structured_content["limits"]["burst"]["remaining"] == 299
    row = await ToolCall.objects.aget()
    assert (row.tool, row.status, row.counted) == ("whoami", "ok", True)
    assert row.user_label == "alice@acme.example"
    assert row.protocol_version == ("2025-11-25" if mode == "legacy" else "2026-07-28")
    assert is_authentic(row)


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
async def test_client_gets_real_results_of_every_reading_tool(mode, web):
    token, arguments = await run_sync(_demo_token_and_arguments)
    async with connect(web.mcp, token, mode=mode) as client:
        listed = await client.list_tools()
        assert {tool.name for tool in listed.tools} >= arguments.keys()
        for name, values in arguments.items():
            # The client validates each result against the tool's output schema.
            result = await client.call_tool(name, values)
            assert result.is_error is False, name
            assert result.structured_content["status"] != "error"
            assert len(result.structured_content) > 1
        read = await client.read_resource("cliqtel://docs/trunk-3cx")
        assert "3CX" in read.contents[0].text
        with pytest.raises(MCPError, match="search_docs"):
            await client.read_resource("cliqtel://docs/nothing")
    rows = [row async for row in ToolCall.objects.order_by("started_at", "pk")]
    # A resource is get_document by another name.
    *calls, article, missing = rows
    assert sorted(row.tool for row in calls) == sorted(arguments)
    assert {(row.status, row.counted) for row in [*calls, article]} == {("ok", True)}
    assert (article.tool, article.arguments) == ("get_document", {"document_id": "trunk-3cx"})
    assert (missing.tool, missing.error_code) == ("get_document", "not_found")


def _demo_token_and_arguments():
    seed()
    owner = Membership.objects.select_related("user", "tenant").get(user__email="owner@acme.test")
    return make_token(owner)[1], {name: real_arguments(name) for name in ARGUMENTS}
