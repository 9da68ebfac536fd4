"""Markdown into sanitised HTML, and into sections of plain text for the search."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import nh3
from django.urls import Resolver404, resolve
from django.utils.html import escape
from django.utils.text import slugify
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from cliqtel_portal.accounts.http import may_open

_ALLOWED_TAGS = (
    {"a", "blockquote", "br", "button", "code", "div", "em", "h2", "h3", "h4", "hr", "li", "ol"}
    | {"p", "pre", "span", "strong", "ul"}
    | {"table", "tbody", "td", "th", "thead", "tr"}
)
# Markdown's own HTML is off: classes, buttons and ids can only be those that are made here.
_ALLOWED_ATTRIBUTES = {
    "a": {"href", "title", "class"},
    "button": {"type", "class", "hidden", "data-copy"},
    "div": {"class", "tabindex"},
    "ol": {"start"},
    "pre": {"id", "tabindex"},
} | {heading: {"id"} for heading in ("h2", "h3", "h4")}
# What may be wider than a phone scrolls by itself; focusable, so that a keyboard can scroll it.
_SCROLL_OPEN, _SCROLL_CLOSE = '<div class="scroll" tabindex="0">', "</div>\n"
_BREAKS = frozenset({"softbreak", "hardbreak"})
# A page of the portal, as articles name it: `/numbers/ai-access/`.
_PORTAL_PATH = re.compile(r"/([a-z-]+/)+")


@dataclass(frozen=True, kw_only=True)
class SectionText:
    """`heading` and `anchor` are empty for what stands before the first heading."""

    heading: str
    anchor: str
    text: str


def render_html(markdown: str, *, role: str) -> str:
    """Return HTML that is safe to put in a page; headings carry the anchors of `sections_of`.

    Pages of the portal that a person of this role may not open are named, and no links.
    """
    parser = _parser()
    for name, rule in _RULES.items():
        parser.add_render_rule(name, rule)
    tokens = parser.parse(markdown)
    for token, _, anchor in _headings(tokens):
        token.attrSet("id", anchor)
    return nh3.clean(
        parser.renderer.render(tokens, parser.options, {"role": role}),
        tags=_ALLOWED_TAGS,
        attributes=_ALLOWED_ATTRIBUTES,
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


def _heading_open(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: Any, _env: Any
) -> str:
    """A heading is a link to itself, to be copied."""
    opening = renderer.renderToken(tokens, index, options, {})
    return f'{opening}<a class="anchor" href="#{tokens[index].attrGet("id")}">'


def _heading_close(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: Any, _env: Any
) -> str:
    return "</a>" + renderer.renderToken(tokens, index, options, {})


def _table_open(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: Any, _env: Any
) -> str:
    return _SCROLL_OPEN + renderer.renderToken(tokens, index, options, {})


def _table_close(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: Any, _env: Any
) -> str:
    return renderer.renderToken(tokens, index, options, {}) + _SCROLL_CLOSE


def _block_of_code(
    _renderer: RendererHTML, tokens: Sequence[Token], index: int, _options: Any, _env: Any
) -> str:
    """Under its language and a button to copy it, which copy.js shows."""
    name, token = f"code-{index}", tokens[index]
    return (
        f'<div class="snippet"><div class="snippet-head"><span>{escape(token.info)}</span>'
        f'<button type="button" class="btn sm" hidden data-copy="#{name}">Copy</button></div>'
        f'<pre id="{name}" tabindex="0"><code>{escape(token.content)}</code></pre></div>\n'
    )


def _code(
    _renderer: RendererHTML, tokens: Sequence[Token], index: int, _options: Any, env: Any
) -> str:
    """The name of a page leads there, or says that it is not for the reader."""
    text = tokens[index].content
    html = f"<code>{escape(text)}</code>"
    if not is_page(text):
        return html
    if not may_open(text, env["role"]):
        return f"{html}<span>, not with your role</span>"
    return f'<a href="{text}">{html}</a>'


_RULES = {
    "heading_open": _heading_open,
    "heading_close": _heading_close,
    "table_open": _table_open,
    "table_close": _table_close,
    "fence": _block_of_code,
    "code_block": _block_of_code,
    "code_inline": _code,
}


def is_page(text: str) -> bool:
    """Whether it is the path of one of the portal's pages."""
    if not _PORTAL_PATH.fullmatch(text):
        return False
    try:
        resolve(text)
    except Resolver404:
        return False
    return True


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
