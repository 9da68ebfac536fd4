"""Files of articles, as somebody would write them."""

from __future__ import annotations

from pathlib import Path


def write_article(
    folder: Path,
    slug: str,
    *,
    title: str = "Test an article",
    section: str = "Troubleshooting",
    product: str = "trunks",
    countries: str = "",
    keywords: str = "",
    reviewed: str = "2026-11-01",
    markdown: str = "The introduction says what it is about.\n\n## One\n\nText under one.\n",
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{slug}.md"
    path.write_text(
        f"---\ntitle: {title}\nsection: {section}\nproduct: {product}\ncountries: {countries}\n"
        f"keywords: {keywords}\nreviewed: {reviewed}\n---\n{markdown}",
        encoding="utf-8",
    )
    return path
