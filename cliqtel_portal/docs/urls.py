from __future__ import annotations

from django.urls import path, re_path

from cliqtel_portal.docs import views

app_name = "docs"

_SLUG = r"(?P<slug>(?:tools/)?[-\w]+)"

urlpatterns = [
    path("", views.article_list, name="list"),
    path("index.md", views.contents_markdown, name="list-markdown"),
    re_path(rf"^{_SLUG}\.md$", views.article_markdown, name="markdown"),
    re_path(rf"^{_SLUG}/$", views.article_detail, name="detail"),
]
