"""Staff look; the files and `load_docs` are where articles change."""

from __future__ import annotations

from django.contrib import admin
from django.urls import reverse

from cliqtel_portal.docs.models import Article, Section, Word
from cliqtel_portal.staff_admin import ReadOnlyAdmin, ReadOnlyInline


class SectionInline(ReadOnlyInline):
    """What the search finds: each section as plain text."""

    model = Section
    fields = ("position", "heading", "text")
    ordering = ("position",)


@admin.register(Article)
class ArticleAdmin(ReadOnlyAdmin):
    list_display = ("title", "section", "product", "reviewed", "updated_at")
    list_filter = ("section", "product")
    search_fields = ("title", "slug", "names")
    search_help_text = "Words of the title, the slug, or another name"
    ordering = ("section", "title")
    date_hierarchy = "reviewed"
    exclude = ("search", "names")
    inlines = (SectionInline,)

    def view_on_site(self, obj: Article) -> str:
        return reverse("docs:detail", args=[obj.slug])


@admin.register(Word)
class WordAdmin(ReadOnlyAdmin):
    """What a misspelt query may be corrected to."""

    list_display = ("word", "documents", "lexeme")
    list_filter = ("documents",)
    search_fields = ("^word", "lexeme")
    search_help_text = "The word's beginning, or its stem"
    ordering = ("word",)
