"""The official SDK's client, in both protocol eras, over a real daphne."""

from __future__ import annotations

import pytest

from audit.models import ToolCall
from audit.services import is_authentic
from mcp_access.client import connect
from mcp_access.tools import registry
from tests.factories.mcp_access import make_token

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
