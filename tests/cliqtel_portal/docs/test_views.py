from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.docs.loading import ARTICLES, load_articles
from tests.factories.docs import write_article

pytestmark = pytest.mark.django_db


def signed_in(membership: Membership) -> Client:
    client = Client()
    client.force_login(membership.user)
    return client


def page_of(client: Client, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200
    return response.content.decode()


def test_the_addresses_are_those_of_the_contract() -> None:
    assert reverse("docs:list") == "/docs/"
    assert reverse("docs:detail", args=["a-b"]) == "/docs/a-b/"
    assert reverse("docs:markdown", args=["a-b"]) == "/docs/a-b.md"
    assert reverse("docs:detail", args=["tools/send_message"]) == "/docs/tools/send_message/"
    assert reverse("docs:markdown", args=["tools/send_message"]) == "/docs/tools/send_message.md"


def test_a_stranger_is_sent_to_the_login(tmp_path: Path) -> None:
    write_article(tmp_path, "a")
    load_articles(tmp_path)
    pages = (("list", []), ("list-markdown", []), ("detail", ["a"]), ("markdown", ["a"]))
    for name, args in pages:
        response = Client().get(reverse(f"docs:{name}", args=args))
        assert response.status_code == 302
        assert "/account/login/" in response["Location"]


def test_the_list_groups_articles_by_section(bob: Membership, tmp_path: Path) -> None:
    write_article(tmp_path, "b", title="Beta", section="Zebras")
    write_article(tmp_path, "a", title="Alpha", section="Porting", countries="NL")
    write_article(tmp_path, "c", title="Aardvark", section="Zebras")
    load_articles(tmp_path)
    page = page_of(signed_in(bob), reverse("docs:list"))
    order = [page.index(word) for word in (">Porting<", "Alpha", ">Zebras<", "Aardvark", "Beta")]
    assert order == sorted(order)
    assert 'href="/docs/a/"' in page


def test_the_list_without_articles_says_so(bob: Membership) -> None:
    assert "No articles yet" in page_of(signed_in(bob), reverse("docs:list"))


def test_a_search_shows_hits_with_links_to_their_sections(bob: Membership) -> None:
    load_articles()
    page = page_of(signed_in(bob), reverse("docs:list") + "?q=roll+back+call+flow")
    assert 'href="/docs/call-flow-change-and-roll-back/#roll-back"' in page
    assert 'value="roll back call flow"' in page


def test_a_misspelt_search_shows_what_was_searched_for(bob: Membership) -> None:
    load_articles()
    page = page_of(signed_in(bob), reverse("docs:list") + "?q=teams+direct+routng")
    assert 'href="/docs/?q=teams%20direct%20routing"' in page
    assert 'href="/docs/trunk-teams-direct-routing/' in page


def test_a_search_without_hits_offers_a_guess(bob: Membership, tmp_path: Path) -> None:
    write_article(tmp_path, "a", markdown="About portability.\n")
    load_articles(tmp_path)
    page = page_of(signed_in(bob), reverse("docs:list") + "?q=liability")
    assert "Did you mean" in page
    assert 'href="/docs/?q=portability"' in page


def test_what_was_looked_for_is_marked_and_stays_text(bob: Membership, tmp_path: Path) -> None:
    write_article(tmp_path, "a", markdown="Registering <b>two</b> giraffes, and a zebra.\n")
    load_articles(tmp_path)
    page = page_of(signed_in(bob), reverse("docs:list") + "?q=register+giraffe")
    assert "<mark>giraffes</mark>, and a zebra" in page
    assert "<b>two" not in page
    assert "<mark>Registering</mark>" in page


def test_an_article_leads_to_its_neighbours_in_the_section(bob: Membership, tmp_path: Path) -> None:
    for slug, section in (("a", "One"), ("b", "One"), ("c", "One"), ("d", "Two")):
        write_article(tmp_path, slug, title=slug.upper(), section=section)
    load_articles(tmp_path)
    client = signed_in(bob)
    middle = page_of(client, "/docs/b/")
    assert 'rel="prev" href="/docs/a/"' in middle
    assert 'rel="next" href="/docs/c/"' in middle
    assert '<a href="/docs/b/" aria-current="page">B</a>' in middle
    assert "rel=" not in page_of(client, "/docs/d/").partition("reader-next")[2]


def test_llms_txt_lists_every_page_for_anybody(tmp_path: Path, settings: Settings) -> None:
    settings.OAUTH_ISSUER = "https://portal.example"
    settings.MCP_RESOURCE_URL = "https://mcp.example/mcp"
    write_article(tmp_path, "a", title="Alpha", markdown="What it is about.\n")
    load_articles(tmp_path)
    response = Client().get("/llms.txt")
    assert response.status_code == 200
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    text = response.content.decode()
    assert text.startswith("# Cliqtel AI Access\n")
    assert "https://mcp.example/mcp" in text
    assert "- [Alpha](https://portal.example/docs/a.md): What it is about.\n" in text


def test_the_contents_have_a_markdown_twin(bob: Membership, tmp_path: Path) -> None:
    write_article(tmp_path, "a", title="Alpha", section="Porting")
    load_articles(tmp_path)
    response = signed_in(bob).get("/docs/index.md")
    assert response["Content-Type"] == "text/markdown; charset=utf-8"
    assert response.content.decode().startswith("# Docs\n\n## Porting\n\n- [Alpha](http")


@pytest.mark.parametrize(
    "query", ["%00", "%F0%9F%98%80", "%22", "%27%3B--", "a" * 401, "%ED%A0%80"]
)
def test_any_text_in_the_search_box_gives_a_page(bob: Membership, query: str) -> None:
    assert "<h1>Docs</h1>" in page_of(signed_in(bob), reverse("docs:list") + f"?q={query}")


def test_a_query_is_escaped_in_the_page(bob: Membership) -> None:
    page = page_of(signed_in(bob), reverse("docs:list") + "?q=%3Cscript%3Ex()%3C/script%3E")
    assert "<script>x()" not in page
    assert "&lt;script&gt;x()" in page


def test_an_article_shows_text_review_date_and_anchors(bob: Membership, tmp_path: Path) -> None:
    write_article(
        tmp_path,
        "a",
        title="Some & article",
        reviewed="2026-11-14",
        countries="NL",
        markdown="Intro with **weight**.\n\n## Set it up\n\n| a |\n|---|\n| b |\n",
    )
    load_articles(tmp_path)
    page = page_of(signed_in(bob), reverse("docs:detail", args=["a"]))
    assert "<h1>Some &amp; article</h1>" in page
    assert "<strong>weight</strong>" in page
    assert '<h2 id="set-it-up">' in page
    assert '<li><a href="#set-it-up">Set it up</a></li>' in page
    assert '<time datetime="2026-11-14">14 Nov 2026</time>' in page
    assert '<span class="badge">NL</span>' in page
    assert "<td>b</td>" in page
    assert 'href="/docs/a.md"' in page


def test_every_article_of_the_project_has_a_page_without_inline_script_or_style(
    bob: Membership,
) -> None:
    load_articles()
    client = signed_in(bob)
    for path in ARTICLES.glob("*.md"):
        page = page_of(client, reverse("docs:detail", args=[path.stem]))
        assert not re.search(r"<script(?![^>]*\bsrc=)|\sstyle=|\son\w+=", page), path.stem


def test_the_markdown_twin_is_markdown(bob: Membership, tmp_path: Path) -> None:
    write_article(tmp_path, "a", title="Some article", markdown="Intro.\n\n## Two\n\n<b>x</b>\n")
    load_articles(tmp_path)
    response = signed_in(bob).get(reverse("docs:markdown", args=["a"]))
    assert response["Content-Type"] == "text/markdown; charset=utf-8"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response.content.decode() == (
        "# Some article\n\nLast reviewed: 2026-11-01\n\nIntro.\n\n## Two\n\n<b>x</b>\n"
    )


@pytest.mark.parametrize("name", ["detail", "markdown"])
def test_an_unknown_article_is_404(bob: Membership, name: str) -> None:
    assert signed_in(bob).get(reverse(f"docs:{name}", args=["nothing"])).status_code == 404
    assert signed_in(bob).get(reverse(f"docs:{name}", args=["NOTHING_"])).status_code == 404


def test_pages_ask_a_constant_number_of_queries(
    bob: Membership, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    load_articles()
    client = signed_in(bob)
    page_of(client, reverse("docs:list"))  # the first visit of a session is noted
    # Session, person and memberships are the shell's three.
    with django_assert_num_queries(3 + 1):
        page_of(client, reverse("docs:list"))
    with django_assert_num_queries(3 + 1 + 2 * 2):
        page_of(client, reverse("docs:list") + "?q=sip")
    with django_assert_num_queries(3 + 3):
        page_of(client, reverse("docs:detail", args=["trunk-3cx"]))
    with django_assert_num_queries(3 + 1):
        page_of(client, reverse("docs:markdown", args=["trunk-3cx"]))
