"""The account switcher, the theme, what every page carries, and the pages of refusals."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings as project
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.test import Client, RequestFactory
from django.urls import include, path
from pytest_django import Settings

from cliqtel_portal import error_pages
from cliqtel_portal.accounts.http import portal_view
from cliqtel_portal.accounts.models import Membership, Tenant
from cliqtel_portal.accounts.permissions import may_manage_members
from tests.browser import sample_page
from tests.factories.accounts import MembershipFactory


def switch(client: Client, slug: str, **extra: str) -> HttpResponse:
    return client.post("/account/tenant/", {"tenant": slug, **extra})


@pytest.fixture
def second(alice: Membership) -> Membership:
    """Alice is a member of a second account, too."""
    return MembershipFactory(
        user=alice.user, tenant__slug="zeta", tenant__name="Zeta BV", role="member"
    )


def test_switching_shows_the_other_account_from_then_on(
    client: Client, alice: Membership, second: Membership, sample_pages: None
) -> None:
    client.force_login(alice.user)
    assert client.get("/numbers/").context["tenant"] == alice.tenant

    response = switch(client, "zeta", next="/trunks/")

    assert response["Location"] == "/trunks/"
    assert client.get("/numbers/").context["tenant"] == second.tenant


def test_a_strangers_account_does_not_exist(
    client: Client, mallory: Membership, alice: Membership, sample_pages: None
) -> None:
    client.force_login(mallory.user)

    assert switch(client, "acme-test").status_code == 404
    assert switch(client, "no-such-account").status_code == 404
    assert client.get("/numbers/").context["tenant"] == mallory.tenant


def test_an_ended_membership_can_not_be_switched_to(
    client: Client, alice: Membership, second: Membership
) -> None:
    second.ended_at = second.created_at
    second.save()
    client.force_login(alice.user)

    assert switch(client, "zeta").status_code == 404


def test_switching_takes_a_session_and_a_post(client: Client, alice: Membership) -> None:
    assert switch(client, "acme-test")["Location"].startswith("/account/login/")
    client.force_login(alice.user)
    assert client.get("/account/tenant/").status_code == 405


def test_switching_never_leads_away(client: Client, alice: Membership, second: Membership) -> None:
    client.force_login(alice.user)

    assert switch(client, "zeta", next="https://evil.example/")["Location"] == "/"


def test_the_switcher_is_there_for_several_accounts_only(
    client: Client, alice: Membership, bob: Membership, second: Membership, sample_pages: None
) -> None:
    client.force_login(alice.user)
    assert "Zeta BV" in client.get("/numbers/").content.decode()
    client.force_login(bob.user)
    assert "account/tenant/" not in client.get("/numbers/").content.decode()


def test_a_suspended_account_shows_nothing_but_who_can_help(
    client: Client, alice: Membership, sample_pages: None
) -> None:
    Tenant.objects.filter(pk=alice.tenant_id).update(status="suspended")
    client.post("/account/login/", {"login": alice.user.email, "password": "correct horse battery"})
    response = client.get("/numbers/")

    assert response.status_code == 403
    assert "owner" in response.content.decode()
    assert "Acme Test" not in response.content.decode()


@portal_view(may_manage_members)
def _for_owners(request: HttpRequest) -> HttpResponse:
    return HttpResponse("members")


def test_a_role_too_low_reads_who_can_change_it(
    rf: RequestFactory, client: Client, bob: Membership
) -> None:
    client.force_login(bob.user)
    request = rf.get("/")
    request.session = client.session
    request.user = bob.user
    response = _for_owners(request)

    assert response.status_code == 403
    assert "you are member" in response.content.decode()
    assert "An owner of the account" in response.content.decode()


@pytest.mark.parametrize("role", ["viewer", "member"])
def test_ai_access_is_listed_for_those_who_may_use_it(
    client: Client, alice: Membership, role: str, sample_pages: None
) -> None:
    Membership.objects.filter(pk=alice.pk).update(role=role)
    client.force_login(alice.user)
    page = client.get("/numbers/").content.decode()

    assert ('href="/numbers/ai-access/tokens/"' in page) is (role == "member")


class _Few:
    """A portal with two pages and no docs."""

    urlpatterns = [
        path("numbers/", sample_page.sample),
        path("trunks/", sample_page.sample),
        path("account/", include("cliqtel_portal.accounts.urls")),
        path("approvals/", include("approvals.urls")),
    ]


def test_pages_that_are_not_there_are_not_listed(
    client: Client, alice: Membership, settings: Settings
) -> None:
    settings.ROOT_URLCONF = _Few
    client.force_login(alice.user)
    page = client.get("/numbers/").content.decode()

    assert 'href="/trunks/"' in page
    assert 'href="/docs/"' not in page


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_theme_is_rendered_by_the_server(client: Client, db: None, theme: str) -> None:
    response = client.post("/account/theme/", {"theme": theme, "next": "/docs/"})

    assert response["Location"] == "/docs/"
    assert f'data-theme="{theme}"' in client.get("/account/login/").content.decode()
    client.post("/account/theme/", {"theme": "system"})
    assert "data-theme=" not in client.get("/account/login/").content.decode()


def test_an_unknown_theme_is_neither_kept_nor_rendered(client: Client, db: None) -> None:
    assert client.post("/account/theme/", {"theme": '"><b>'}).status_code == 400
    client.cookies["theme"] = '"><b>'
    assert "data-theme" not in client.get("/account/login/").content.decode()


def test_signed_in_pages_are_not_kept_by_any_cache(
    client: Client, alice: Membership, sample_pages: None
) -> None:
    signed_in = client.post(
        "/account/login/", {"login": alice.user.email, "password": "correct horse battery"}
    )

    assert "no-store" in signed_in["Cache-Control"]
    assert client.get("/numbers/")["Cache-Control"] == "no-store"
    assert client.get("/no-such-page/")["Cache-Control"] == "no-store"
    assert "Cache-Control" not in Client().get("/account/password/reset/")


def test_the_policy_allows_nothing_inline_and_nothing_from_elsewhere(
    client: Client, alice: Membership, sample_pages: None
) -> None:
    client.force_login(alice.user)
    for address in ("/numbers/", "/account/login/", "/no-such-page/"):
        policy = client.get(address)["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "style-src 'self'" in policy
        assert "script-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy


def test_no_template_has_inline_style_or_script() -> None:
    found = [
        f"{template.name}: {match.group()}"
        for template in Path(project.BASE_DIR, "templates").rglob("*.html")
        for match in re.finditer(
            r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)|javascript:", template.read_text()
        )
    ]

    assert found == []


def test_what_every_page_loads_stays_small(client: Client, db: None) -> None:
    """The budget of the design is about 16 kB of CSS as written, before compression."""
    page = client.get("/account/login/").content.decode()
    sheets = re.findall(r'href="/static/(css/[^"]+)"', page)

    assert len(sheets) > 5
    assert sum(Path(project.BASE_DIR, "static", sheet).stat().st_size for sheet in sheets) < 18_000


def _boom(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("the password is hunter2")


urlpatterns = [path("boom/", _boom), path("api/v1/boom/", _boom)]
handler404 = "cliqtel_portal.error_pages.page_not_found"
handler500 = "cliqtel_portal.error_pages.server_error"


def test_a_crash_shows_none_of_its_words(
    client: Client, db: None, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.ROOT_URLCONF = __name__
    client.raise_request_exception = False
    response = client.get("/boom/")

    assert response.status_code == 500
    assert "Something broke on our side" in response.content.decode()
    assert "hunter2" not in response.content.decode()


def test_a_crash_of_the_api_is_json(
    client: Client, db: None, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.ROOT_URLCONF = __name__
    client.raise_request_exception = False
    response = client.get("/api/v1/boom/")

    assert response.status_code == 500
    assert response.json()["error"]["code"] == "internal_error"
    assert "hunter2" not in response.content.decode()


def test_an_unknown_address_of_the_api_is_refused_in_its_form(client: Client, db: None) -> None:
    unknown = client.get("/api/v1/nowhere/")

    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    "name", ["400", "403", "403_csrf", "404", "429", "500", "503", "503_database"]
)
def test_error_pages_stand_without_any_context(name: str) -> None:
    page = render_to_string(f"{name}.html")

    assert "<h1>" in page
    assert "· Cliqtel</title>" in page


def test_handlers_never_show_the_exception(rf: RequestFactory, db: None) -> None:
    for handler in (
        error_pages.bad_request,
        error_pages.permission_denied,
        error_pages.page_not_found,
    ):
        assert "hunter2" not in handler(rf.get("/"), Exception("hunter2")).content.decode()
