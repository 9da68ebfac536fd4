from __future__ import annotations

from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from cliqtel_portal.docs.loading import load_articles
from cliqtel_portal.docs.models import Article
from tests.factories.accounts import UserFactory
from tests.factories.docs import write_article

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff() -> Client:
    client = Client()
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    return client


def test_staff_read_articles_and_change_nothing(staff: Client, tmp_path: Path) -> None:
    write_article(tmp_path, "a", title="Some article")
    load_articles(tmp_path)
    article = Article.objects.get()
    assert "Some article" in staff.get(reverse("admin:docs_article_changelist")).content.decode()
    change = reverse("admin:docs_article_change", args=[article.pk])
    assert staff.get(change).status_code == 200
    assert staff.post(change, {"title": "Other"}).status_code == 403
    assert staff.get(reverse("admin:docs_article_add")).status_code == 403
    delete = reverse("admin:docs_article_delete", args=[article.pk])
    assert staff.post(delete, {"post": "yes"}).status_code == 403
    assert Article.objects.get().title == "Some article"
