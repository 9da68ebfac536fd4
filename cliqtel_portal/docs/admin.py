"""Staff look; the files and `load_docs` are where articles change."""

from __future__ import annotations

from django.contrib import admin

from cliqtel_portal.docs.models import Article
from cliqtel_portal.staff_admin import ReadOnlyAdmin


@admin.register(Article)
class ArticleAdmin(ReadOnlyAdmin):
    list_display = ("title", "section", "product", "reviewed", "updated_at")
    list_filter = ("section", "product")
    search_fields = ("title", "slug", "names")
    ordering = ("section", "title")
    date_hierarchy = "reviewed"
    exclude = ("search", "names")
