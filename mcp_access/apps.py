from __future__ import annotations

from django.apps import AppConfig


class McpAccessConfig(AppConfig):
    name = "mcp_access"
    verbose_name = "AI access"

    def ready(self) -> None:
        from audit import reactions
        from cliqtel_portal import deeds
        from cliqtel_portal.docs.source import register_pages
        from mcp_access import checks, executors, restricting  # noqa: F401 - registers the checks
        from mcp_access.tool_pages import tool_pages

        executors.register(deeds.all_deeds())
        reactions.register(restricting.restrict)
        register_pages(tool_pages)
