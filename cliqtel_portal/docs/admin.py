"""Staff look; the files and `load_docs` are where articles change."""

from __future__ import annotations

from django.contrib import admin
from django.urls import reverse

from cliqtel_portal.docs.models import Article
from cliqtel_portal.staff_admin import ReadOnlyAdmin


@admin.register(Article)
class ArticleAdmin(ReadOnlyAdmin):
    list_display = ("title", "section", "product", "reviewed", "updated_at")
    list_filter = ("section", "product")
    search_fields = ("title", "slug", "names")
    search_help_text = "Words of the title, the slug, or another name"
    ordering = ("section", "title")
    date_hierarchy = "reviewed"
    exclude = ("search", "names")

    def view_on_site(self, obj: Article) -> str:
        return reverse("docs:detail", args=[obj.slug])
