"""Markdown into sanitised HTML, and into sections of plain text for the search."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import nh3
from django.utils.text import slugify
from markdown_it import MarkdownIt
from markdown_it.token import Token

_ALLOWED_TAGS = (
    {"a", "blockquote", "br", "code", "div", "em", "h2", "h3", "h4", "hr", "li", "ol", "p", "pre"}
    | {"strong", "ul"}
    | {"table", "tbody", "td", "th", "thead", "tr"}
)
_ALLOWED_ATTRIBUTES = {"a": {"href", "title"}, "div": {"tabindex"}, "ol": {"start"}} | {
    heading: {"id"} for heading in ("h2", "h3", "h4")
}
# What may be wider than a phone scrolls by itself; focusable, so that a keyboard can scroll it.
_SCROLL_OPEN, _SCROLL_CLOSE = '<div class="scroll" tabindex="0">', "</div>\n"
_BREAKS = frozenset({"softbreak", "hardbreak"})


@dataclass(frozen=True, kw_only=True)
class SectionText:
    """`heading` and `anchor` are empty for what stands before the first heading."""

    heading: str
    anchor: str
    text: str


def render_html(markdown: str) -> str:
    """Return HTML that is safe to put in a page; headings carry the anchors of `sections_of`."""
    parser = _parser()
    tokens = parser.parse(markdown)
    for token, _, anchor in _headings(tokens):
        token.attrSet("id", anchor)
    return nh3.clean(
        parser.renderer.render(_scrollable(tokens), parser.options, {}),
        tags=_ALLOWED_TAGS,
        attributes=_ALLOWED_ATTRIBUTES,
        tag_attribute_values={"div": {"class": {"scroll"}}},
        url_schemes={"https", "http", "mailto"},
        link_rel="noopener noreferrer",
    )


def sections_of(markdown: str) -> list[SectionText]:
    """Return the introduction and one section for each heading, in order, as plain text."""
    tokens = _parser().parse(markdown)
    headings = {id(token): (title, anchor) for token, title, anchor in _headings(tokens)}
    sections: list[SectionText] = []
    heading, anchor = "", ""
    blocks: list[str] = []
    in_heading = False
    for token in tokens:
        if token.type == "heading_open":
            sections.append(SectionText(heading=heading, anchor=anchor, text="\n".join(blocks)))
            (heading, anchor), blocks, in_heading = headings[id(token)], [], True
        elif token.type == "heading_close":
            in_heading = False
        elif token.type in {"fence", "code_block"}:
            blocks.append(token.content.strip())
        elif token.type == "inline" and not in_heading:
            blocks.append(_plain(token))
    sections.append(SectionText(heading=heading, anchor=anchor, text="\n".join(blocks)))
    return sections


def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable("table")


def _scrollable(tokens: list[Token]) -> list[Token]:
    wrapped: list[Token] = []
    for token in tokens:
        opens = token.type in {"fence", "code_block", "table_open"}
        closes = token.type in {"fence", "code_block", "table_close"}
        if opens:
            wrapped.append(Token("html_block", "", 0, content=_SCROLL_OPEN))
        wrapped.append(token)
        if closes:
            wrapped.append(Token("html_block", "", 0, content=_SCROLL_CLOSE))
    return wrapped


def _headings(tokens: list[Token]) -> Iterator[tuple[Token, str, str]]:
    """Yield each heading's opening token, its title, and an anchor that is unique on the page."""
    taken: set[str] = set()
    for opening, inline in pairwise(tokens):
        if opening.type != "heading_open":
            continue
        title = _plain(inline)
        stem = slugify(title) or "section"
        anchor, number = stem, 1
        while anchor in taken:
            number += 1
            anchor = f"{stem}-{number}"
        taken.add(anchor)
        yield opening, title, anchor


def _plain(inline: Token) -> str:
    return "".join(
        " " if child.type in _BREAKS else child.content for child in inline.children or []
    )
