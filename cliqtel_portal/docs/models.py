"""Articles of the documentation. They belong to no tenant: everybody reads the same ones."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import Q
from django.urls import reverse

from cliqtel_portal.ids import uuid7


class Article(models.Model):
    """One file of `articles/`, or a page made of code (`source.register_pages`).

    Rows are made and removed by `loading.load_articles` only.
    """

    class Product(models.TextChoices):
        NUMBERS = "numbers", "Numbers"
        TRUNKS = "trunks", "SIP trunks"
        CALLFLOWS = "callflows", "Call flows"
        MESSAGING = "messaging", "Messaging"
        REGULATORY = "regulatory", "Regulatory"
        AI_ACCESS = "ai-access", "AI Access"
        TOOLS = "tools", "MCP tools"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # The file's name, or `tools/<tool>`; `document_id` on the wire and part of every link.
    slug = models.CharField(max_length=100, unique=True)
    title = models.CharField(max_length=200)
    section = models.CharField(max_length=60)
    product = models.CharField(max_length=20, choices=Product)
    # ISO 3166-1 codes; empty means everywhere.
    countries = ArrayField(models.CharField(max_length=2), blank=True, default=list)
    keywords = ArrayField(models.CharField(max_length=60), blank=True, default=list)
    markdown = models.TextField()
    # The first paragraph as plain text.
    summary = models.TextField()
    reviewed = models.DateField()
    content_hash = models.CharField(max_length=64)
    # When this content was first loaded.
    updated_at = models.DateTimeField()
    # Title and keywords as plain words: what misspelt queries are compared with.
    names = models.TextField()
    search = SearchVectorField()

    class Meta:
        indexes = [
            GinIndex(fields=["search"], name="docs_article_search"),
            GinIndex(fields=["names"], opclasses=["gin_trgm_ops"], name="docs_article_names_trgm"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(slug__regex=r"^([a-z0-9]+(-[a-z0-9]+)*|tools/[a-z0-9_]+)$"),
                name="docs_article_slug_valid",
            ),
            models.CheckConstraint(
                condition=Q(
                    product__in=[
                        "numbers",
                        "trunks",
                        "callflows",
                        "messaging",
                        "regulatory",
                        "ai-access",
                        "tools",
                    ]
                ),
                name="docs_article_product_valid",
            ),
            models.CheckConstraint(
                condition=~Q(title="") & ~Q(section="") & ~Q(markdown=""),
                name="docs_article_not_blank",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def short_title(self) -> str:
        """For narrow lists: of a tool its name."""
        return self.slug.removeprefix("tools/") if self.product == "tools" else self.title

    @property
    def path(self) -> str:
        return reverse("docs:detail", args=[self.slug])

    @property
    def url(self) -> str:
        """Absolute, on the portal's origin."""
        return f"{settings.OAUTH_ISSUER}{self.path}"

    @property
    def markdown_path(self) -> str:
        return reverse("docs:markdown", args=[self.slug])


class Section(models.Model):
    """What stands under one heading; position 0, without a heading, is the introduction."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # A part of its article and nothing without it.
    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="sections")
    position = models.PositiveSmallIntegerField()
    heading = models.CharField(max_length=200, blank=True)
    anchor = models.CharField(max_length=200, blank=True)
    text = models.TextField(blank=True)
    search = SearchVectorField()

    class Meta:
        indexes = [GinIndex(fields=["search"], name="docs_section_search")]
        constraints = [
            models.UniqueConstraint(
                fields=["article", "position"], name="docs_section_position_unique"
            ),
            models.UniqueConstraint(
                fields=["article", "anchor"], name="docs_section_anchor_unique"
            ),
            models.CheckConstraint(
                condition=Q(position=0, heading="", anchor="")
                | (Q(position__gt=0) & ~Q(heading="") & ~Q(anchor="")),
                name="docs_section_heading_matches_position",
            ),
        ]

    def __str__(self) -> str:
        return self.heading or "Introduction"


class Word(models.Model):
    """A word that occurs in the articles: what a misspelt or half-typed one may have meant."""

    word = models.CharField(max_length=64, primary_key=True)
    lexeme = models.CharField(max_length=64, db_index=True)
    # In how many articles.
    documents = models.PositiveIntegerField()

    class Meta:
        indexes = [
            GinIndex(fields=["word"], opclasses=["gin_trgm_ops"], name="docs_word_trgm"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(documents__gte=1), name="docs_word_occurs"),
        ]

    def __str__(self) -> str:
        return self.word
