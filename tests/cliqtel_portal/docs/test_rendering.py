from __future__ import annotations

import re
from pathlib import Path

import pytest

from cliqtel_portal.docs.loading import ARTICLES
from cliqtel_portal.docs.rendering import SectionText, is_page, render_html, sections_of


def test_headings_have_anchors_that_are_unique_on_the_page() -> None:
    html = render_html("## Set it up\n\n## Set it up\n\n## 電話\n", role="owner")
    assert '<h2 id="set-it-up"><a class="anchor" href="#set-it-up"' in html
    assert '<h2 id="set-it-up-2">' in html
    assert '<h2 id="section">' in html


def test_sections_and_page_agree_on_the_anchors() -> None:
    markdown = "Intro.\n\n## A & B\n\n### A `b`\n\n## A & B\n"
    html = render_html(markdown, role="owner")
    anchors = [section.anchor for section in sections_of(markdown)]
    assert anchors == ["", "a-b", "a-b-2", "a-b-3"]
    assert all(f'id="{anchor}"' in html for anchor in anchors[1:])


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        '<img src=x onerror="alert(1)">',
        "[x](javascript:alert(1))",
        '[x](data:text/html;base64,PHNjcmlwdD4= "t")',
        '<a href="https://a.example" onclick="x()">x</a>',
        '<div class="badge" style="position:fixed">x</div>',
        "![x](https://tracker.example/a.png)",
    ],
)
def test_nothing_active_or_from_elsewhere_survives(hostile: str) -> None:
    html = render_html(hostile, role="owner")
    for tag in ("<script", "<img", "<div", "<a"):
        assert tag not in html
    assert not re.search(r"<[^>]*(href|src|style|onclick|onerror)=", html)


def test_links_of_articles_work_and_give_nothing_to_the_other_side() -> None:
    html = render_html("[RFC](https://www.rfc-editor.org/rfc/rfc8866)", role="owner")
    assert 'href="https://www.rfc-editor.org/rfc/rfc8866"' in html
    assert 'rel="noopener noreferrer"' in html


def test_tables_and_code_scroll_by_themselves() -> None:
    html = render_html("| a |\n|---|\n| b |\n\n```ini\n[x]\n```\n", role="owner")
    assert '<div class="scroll" tabindex="0"><table>' in html
    assert re.search(r'<pre id="code-\d+" tabindex="0"><code>\[x\]', html)
    assert "<td>b</td>" in html


def test_each_block_of_code_can_be_copied() -> None:
    html = render_html("```sh\ncurl a\n```\n\nAnd:\n\n    <b>\n", role="owner")
    targets = re.findall(r'hidden="" data-copy="#([a-z0-9-]+)"', html)
    assert len(set(targets)) == 2
    assert all(f'<pre id="{target}"' in html for target in targets)
    assert "<code>&lt;b&gt;\n</code>" in html


def test_the_path_of_a_page_leads_there() -> None:
    named = "Open `/numbers/ai-access/`, not `/no/such/page/` or `/trunks/<x>/`."
    html = render_html(named, role="member")
    assert html.count("<a ") == 1
    assert '<a href="/numbers/ai-access/" rel="noopener noreferrer"><code>' in html


def test_a_page_that_the_readers_role_does_not_open_is_no_link() -> None:
    html = render_html("`/numbers/ai-access/` and `/trunks/`", role="viewer")
    assert "<code>/numbers/ai-access/</code><span>, not with your role</span>" in html
    assert html.count("<a ") == 1
    assert "<a" in render_html("`/settings/members/`", role="admin")
    assert "<a" not in render_html("`/settings/members/`", role="approver")


@pytest.mark.parametrize("path", sorted(ARTICLES.glob("*.md")), ids=lambda path: path.stem)
def test_every_page_that_an_article_names_is_there(path: Path) -> None:
    named = re.findall(r"`(/(?:[a-z-]+/)+)`", path.read_text())
    assert [name for name in named if not is_page(name)] == []


def test_section_text_is_plain() -> None:
    assert sections_of("Some *text*\nand `code`.\n\n## Two\n\n- [a](https://a.example)\n- b\n") == [
        SectionText(heading="", anchor="", text="Some text and code."),
        SectionText(heading="Two", anchor="two", text="a\nb"),
    ]
