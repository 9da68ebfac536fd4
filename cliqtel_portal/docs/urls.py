from __future__ import annotations

from django.urls import path

from cliqtel_portal.docs import views

app_name = "docs"

urlpatterns = [
    path("", views.article_list, name="list"),
    path("<slug:slug>.md", views.article_markdown, name="markdown"),
    path("<slug:slug>/", views.article_detail, name="detail"),
]
