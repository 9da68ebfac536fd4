from __future__ import annotations

from django.apps import AppConfig


class McpAccessConfig(AppConfig):
    name = "mcp_access"
    verbose_name = "AI access"
