"""The reader's pages. Articles belong to no tenant; the door is the portal's."""

from __future__ import annotations

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_safe

from cliqtel_portal.accounts.http import PortalRequest, portal_view
from cliqtel_portal.docs import services
from cliqtel_portal.docs.errors import DocumentNotFound
from cliqtel_portal.docs.forms import SearchForm
from cliqtel_portal.docs.models import Article
from cliqtel_portal.docs.rendering import render_html

_MAX_TOOLS = 5
# All pages of tools share many words: below this one has only those.
_LEAST_TOOL_SCORE = 0.4


@require_safe
@portal_view()
def article_list(request: PortalRequest) -> HttpResponse:
    form = SearchForm(request.GET)
    query = form.cleaned_data["q"] if form.is_valid() else ""
    context = {"form": form, "query": query, "chapters": services.contents()}
    if query:
        result = services.search(query, limit=20)
        tools = services.search(query, product=Article.Product.TOOLS, limit=_MAX_TOOLS)
        context |= {
            "result": result,
            "tools_first": _best(tools) > _best(result),
            "tools": [hit for hit in tools.hits if hit.score >= _LEAST_TOOL_SCORE],
        }
    return render(request, "docs/article_list.html", context)


def _best(result: services.SearchResult) -> float:
    return result.hits[0].score if result.hits else 0.0


@require_safe
@portal_view()
def article_detail(request: PortalRequest, slug: str) -> HttpResponse:
    article = _article_or_404(slug)
    chapters = services.contents()
    before, after = services.neighbours(chapters, slug)
    html = render_html(article.markdown, role=request.membership.role)
    headings = article.sections.filter(position__gt=0).order_by("position").defer("search")
    return render(
        request,
        "docs/article_detail.html",
        {
            "article": article,
            "html": mark_safe(html),  # noqa: S308 - sanitised by nh3
            "headings": headings,
            "chapters": chapters,
            "before": before,
            "after": after,
            "form": SearchForm(),
        },
    )


@require_safe
@portal_view()
def article_markdown(_request: PortalRequest, slug: str) -> HttpResponse:
    article = _article_or_404(slug)
    text = f"# {article.title}\n\nLast reviewed: {article.reviewed}\n\n{article.markdown}"
    return _markdown(text)


@require_safe
@portal_view()
def contents_markdown(_request: PortalRequest) -> HttpResponse:
    return _markdown(f"# Docs\n\n{_contents()}")


@require_safe
def llms_txt(_request: HttpRequest) -> HttpResponse:
    """What there is to read and how, for programs: https://llmstxt.org. No page of a customer's."""
    text = f"""# Cliqtel AI Access

> A telecom provider's portal. AI hosts read numbers, SIP trunks, call flows, prices and these docs
> over MCP, and draft orders, routing changes and messages, which a person approves.

The MCP endpoint is {settings.MCP_RESOURCE_URL}: Streamable HTTP; OAuth 2.1, found from the URL
alone, or a token as bearer. The pages below are for people who are signed in. An AI host reads them
over MCP instead: `search_docs` finds articles, `get_document` returns a page whole.

{_contents()}"""
    return HttpResponse(text, content_type="text/plain; charset=utf-8")


def _contents() -> str:
    """Every page by section, with its address on the portal's origin and what it is about."""
    return "\n".join(
        f"## {chapter.title}\n\n"
        + "".join(
            f"- [{article.title}]({settings.OAUTH_ISSUER}{article.markdown_path}): "
            f"{article.summary}\n"
            for article in chapter.articles
        )
        for chapter in services.contents()
    )


def _markdown(text: str) -> HttpResponse:
    return HttpResponse(text, content_type="text/markdown; charset=utf-8")


def _article_or_404(slug: str) -> Article:
    try:
        return services.find_document(slug)
    except DocumentNotFound as error:
        raise Http404 from error
