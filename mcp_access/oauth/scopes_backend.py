"""DOT's seam to our scopes: all are known here; consent decides who gets which."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from oauth2_provider.scopes import BaseScopes

OFFLINE_ACCESS = "offline_access"


class McpScopes(BaseScopes):  # type: ignore[misc]
    def get_all_scopes(self) -> dict[str, str]:
        return {name: str(scope["title"]) for name, scope in settings.MCP_SCOPES.items()}

    def get_available_scopes(
        self, application: Any = None, request: Any = None, *args: Any, **kwargs: Any
    ) -> list[str]:
        """`offline_access` may be asked: several hosts do; a refresh token comes anyway."""
        return [*settings.MCP_SCOPES, OFFLINE_ACCESS]

    def get_default_scopes(
        self, application: Any = None, request: Any = None, *args: Any, **kwargs: Any
    ) -> list[str]:
        """No scope asked: the read set of the lowest tier, never all."""
        return [name for name, scope in settings.MCP_SCOPES.items() if scope["tier"] == "discover"]
