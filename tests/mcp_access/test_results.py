"""Outcomes in the protocol's words."""

from __future__ import annotations

import json

from mcp_access.catalog.get_call_flow import EdgePart, GetCallFlowResult
from mcp_access.results import to_call_tool_result
from mcp_access.tools.tool import Answer


def test_a_host_that_reads_only_the_text_gets_all_of_the_data() -> None:
    edge = EdgePart.model_validate({"id": "e1", "from": "a", "to": "b", "on": "café"})
    answer = Answer(result=GetCallFlowResult(name="Sales", edges=[edge]), text="Sales: 1 edge.")
    result = to_call_tool_result(answer)
    words, data = (str(block.model_dump()["text"]) for block in result.content)
    assert words == "Sales: 1 edge."
    assert json.loads(data) == result.structured_content
    assert "call_flow_id" not in data, "members without a value are left out"
    assert "café" in data
