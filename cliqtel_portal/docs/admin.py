"""Staff look; the files and `load_docs` are where articles change."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from cliqtel_portal.docs.models import Article


@admin.register(Article)
class ArticleAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("title", "section", "product", "reviewed", "updated_at")
    list_filter = ("section", "product")
    search_fields = ("title", "slug", "names")
    ordering = ("section", "title")
    date_hierarchy = "reviewed"
    exclude = ("search", "names")

    def has_add_permission(self, _request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        return False
