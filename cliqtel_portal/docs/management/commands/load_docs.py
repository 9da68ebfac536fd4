from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from cliqtel_portal.docs.errors import ArticleInvalid
from cliqtel_portal.docs.loading import load_articles


class Command(BaseCommand):
    help = "Load the documentation's articles; safe to run again, and twice at once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--folder", type=Path, help="of *.md files, instead of the project's")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            counts = load_articles(options["folder"])
        except ArticleInvalid as error:
            raise CommandError(error.message) from error
        self.stdout.write(
            f"Articles: {counts.added} added, {counts.changed} changed, "
            f"{counts.unchanged} unchanged, {counts.removed} removed."
        )
