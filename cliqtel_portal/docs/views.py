"""The reader's pages. Articles belong to no tenant; the door is the portal's."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.safestring import mark_safe

from cliqtel_portal.accounts.http import PortalRequest, portal_view
from cliqtel_portal.docs import services
from cliqtel_portal.docs.errors import DocumentNotFound
from cliqtel_portal.docs.forms import SearchForm
from cliqtel_portal.docs.models import Article
from cliqtel_portal.docs.rendering import render_html


@portal_view()
def article_list(request: PortalRequest) -> HttpResponse:
    form = SearchForm(request.GET)
    query = form.cleaned_data["q"] if form.is_valid() else ""
    result = services.search(query, limit=20) if query else None
    articles = Article.objects.order_by("section", "title").defer("markdown", "search", "names")
    return render(
        request,
        "docs/article_list.html",
        {"form": form, "query": query, "result": result, "articles": articles},
    )


@portal_view()
def article_detail(request: PortalRequest, slug: str) -> HttpResponse:
    article = _article_or_404(slug)
    html = mark_safe(render_html(article.markdown))  # noqa: S308 - sanitised by nh3
    headings = article.sections.filter(position__gt=0).order_by("position").defer("search")
    return render(
        request,
        "docs/article_detail.html",
        {"article": article, "html": html, "headings": headings},
    )


@portal_view()
def article_markdown(_request: PortalRequest, slug: str) -> HttpResponse:
    article = _article_or_404(slug)
    text = f"# {article.title}\n\nLast reviewed: {article.reviewed}\n\n{article.markdown}"
    return HttpResponse(text, content_type="text/markdown; charset=utf-8")


def _article_or_404(slug: str) -> Article:
    try:
        return services.find_document(slug)
    except DocumentNotFound as error:
        raise Http404 from error
