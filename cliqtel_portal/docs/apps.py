from __future__ import annotations

from django.apps import AppConfig


class DocsConfig(AppConfig):
    name = "cliqtel_portal.docs"
    label = "docs"
