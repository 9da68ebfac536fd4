from __future__ import annotations

from collections.abc import Iterator

import pytest

from audit.models import ToolCall
from mcp_access.tools import registry
from mcp_access.tools.failures import failures_of


@pytest.fixture(autouse=True)
def _failures_are_those_of_the_docs(db: None) -> Iterator[None]:
    """Whatever a tool refused with here, its page has to know."""
    yield
    refused = ToolCall.objects.filter(status="error").values_list("tool", "error_code").distinct()
    for name, code in refused:
        tool = registry.get(name)
        assert tool is None or code in {one.code for one in failures_of(tool)}, (name, code)
