"""All tools, found by looking into `mcp_access.catalog`: one module a tool, named after it."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from types import MappingProxyType

from mcp_access import catalog
from mcp_access.tools.tool import Tool


@functools.cache
def all_tools() -> MappingProxyType[str, Tool]:
    """Tools by name, in alphabetical order: `tools/list` must not vary from call to call."""
    found: dict[str, Tool] = {}
    for module_info in sorted(pkgutil.iter_modules(catalog.__path__), key=lambda info: info.name):
        module = importlib.import_module(f"{catalog.__name__}.{module_info.name}")
        tool = getattr(module, module_info.name, None)
        if not isinstance(tool, Tool):
            raise TypeError(f"{module.__name__} must define the tool {module_info.name}")
        found[tool.name] = tool
    return MappingProxyType(found)


def get(name: str) -> Tool | None:
    return all_tools().get(name)
