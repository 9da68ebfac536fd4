"""Staff see tokens and end them."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from mcp_access.models import AccessToken, Grant, RefreshToken
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.factories.audit import make_call
from tests.factories.mcp_access import make_token
from tests.factories.oauth import make_application, make_session

pytestmark = pytest.mark.django_db

ACCESS = "/admin/mcp_access/accesstoken/"
REFRESH = "/admin/mcp_access/refreshtoken/"
GRANT = "/admin/mcp_access/grant/"


@pytest.fixture
def person(db):
    return UserFactory(is_staff=True, is_superuser=True, email="s@cliqtel.example")


@pytest.fixture
def staff(client, person):
    client.force_login(person)
    return client


@pytest.fixture
def application(db):
    return make_application()


@pytest.fixture
def session(alice, application):
    """A refresh token with its access token."""
    return make_session(alice, application, family=uuid.uuid4())


@pytest.fixture
def grant(alice, application):
    return Grant.objects.create(
        tenant=alice.tenant,
        user=alice.user,
        application=application,
        code="c0de" * 16,
        code_challenge="cha11enge",
        nonce="n0nce",
        expires=timezone.now() + timedelta(minutes=1),
        redirect_uri="https://claude.example/callback",
        scope="mcp.docs.read",
    )


def _shown(client, path: str) -> set:
    response = client.get(path)
    assert response.status_code == 200
    return {row.pk for row in response.context["cl"].result_list}


def _revoke(client, path: str, *rows, follow: bool = True):
    data = {"action": "revoke_selected", "_selected_action": [str(row.pk) for row in rows]}
    return client.post(path, data, follow=follow)


def test_no_page_shows_a_secret_or_its_digest(staff, alice, session, grant):
    token, plaintext = make_token(alice, name="Laptop")
    pages = [ACCESS, REFRESH, GRANT]
    for name, row in (("accesstoken", token), ("accesstoken", session.access_token)):
        pages.append(reverse(f"admin:mcp_access_{name}_change", args=[row.pk]))
    pages.append(reverse("admin:mcp_access_refreshtoken_change", args=[session.pk]))
    pages.append(reverse("admin:mcp_access_grant_change", args=[grant.pk]))
    secrets = [
        plaintext,
        token.token_checksum,
        session.access_token.token_checksum,
        session.token_checksum,
        grant.code,
        grant.code_challenge,
        grant.nonce,
    ]
    for path in pages:
        response = staff.get(path)
        assert response.status_code == 200, path
        text = response.content.decode()
        assert alice.user.email in text
        assert not [secret for secret in secrets if secret in text], path


def test_a_digest_finds_nothing(staff, alice):
    token, plaintext = make_token(alice)
    assert _shown(staff, f"{ACCESS}?q={token.token_checksum}") == set()
    assert _shown(staff, f"{ACCESS}?q={plaintext}") == set()


def test_tokens_are_found_by_uuid_name_last_four_user_tenant_and_app(
    staff, alice, mallory, session
):
    token, _ = make_token(alice, name="Laptop")
    foreign, _ = make_token(mallory, name="Burner")
    assert _shown(staff, f"{ACCESS}?q={token.pk}") == {token.pk}
    assert _shown(staff, f"{ACCESS}?q=laptop") == {token.pk}
    assert token.pk in _shown(staff, f"{ACCESS}?q={token.last_four}")
    assert _shown(staff, f"{ACCESS}?q=mallory@") == {foreign.pk}
    assert _shown(staff, f"{ACCESS}?q=malice") == {foreign.pk}
    assert _shown(staff, f"{ACCESS}?q=claude") == {session.access_token_id}
    assert _shown(staff, f"{REFRESH}?q=alice") == {session.pk}
    assert _shown(staff, f"{REFRESH}?q=mallory") == set()


def test_states_and_kinds_are_filters(staff, alice, session):
    now = timezone.now()
    live, _ = make_token(alice)
    expired, _ = make_token(alice, expires=now)
    revoked, _ = make_token(alice, revoked_at=now)
    assert _shown(staff, f"{ACCESS}?state=live") == {live.pk, session.access_token_id}
    assert _shown(staff, f"{ACCESS}?state=expired") == {expired.pk}
    assert _shown(staff, f"{ACCESS}?state=revoked") == {revoked.pk}
    assert _shown(staff, f"{ACCESS}?kind__exact=oauth") == {session.access_token_id}
    assert _shown(staff, f"{REFRESH}?state=unused") == {session.pk}
    session.revoke()
    assert _shown(staff, f"{REFRESH}?state=unused") == set()
    assert _shown(staff, f"{REFRESH}?state=used+or+revoked") == {session.pk}


def test_selected_tokens_are_revoked_and_logged(staff, person, alice):
    one, _ = make_token(alice)
    two, _ = make_token(alice, revoked_at=timezone.now())
    other, _ = make_token(alice)
    page = _revoke(staff, ACCESS, one, two).content.decode()
    assert "Revoked 1 of 2 selected. The others had ended before." in page
    one.refresh_from_db()
    assert one.revoked_by == person
    assert AccessToken.objects.get(pk=other.pk).revoked_at is None
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id) == (person, str(one.pk))
    history = staff.get(reverse("admin:mcp_access_accesstoken_history", args=[one.pk]))
    assert "Revoked." in history.content.decode()


def test_a_selected_refresh_token_ends_its_session(staff, person, session):
    assert "Revoked 1 of 1 selected." in _revoke(staff, REFRESH, session).content.decode()
    session.refresh_from_db()
    assert session.revoked is not None
    assert AccessToken.objects.get(pk=session.access_token_id).revoked_at is not None
    assert LogEntry.objects.get().object_id == str(session.pk)


def test_staff_who_may_only_view_can_not_revoke(client, alice):
    person = UserFactory(is_staff=True)
    person.user_permissions.add(Permission.objects.get(codename="view_accesstoken"))
    client.force_login(person)
    token, _ = make_token(alice)
    page = client.get(ACCESS).content.decode()
    assert str(token.pk) in page
    assert "revoke_selected" not in page
    _revoke(client, ACCESS, token)
    token.refresh_from_db()
    assert token.revoked_at is None
    person.user_permissions.add(Permission.objects.get(codename="change_accesstoken"))
    _revoke(client, ACCESS, token)
    token.refresh_from_db()
    assert token.revoked_at is not None


@pytest.mark.parametrize("path", [ACCESS, REFRESH, GRANT])
def test_not_even_a_superuser_adds_changes_or_deletes(staff, alice, session, grant, path):
    row = {ACCESS: session.access_token, REFRESH: session, GRANT: grant}[path]
    assert staff.get(f"{path}add/").status_code == 403
    assert staff.post(f"{path}{row.pk}/change/", {"scope": "mcp.routing.write"}).status_code == 403
    assert staff.post(f"{path}{row.pk}/delete/", {"post": "yes"}).status_code == 403
    staff.post(
        path, {"action": "delete_selected", "_selected_action": [str(row.pk)], "post": "yes"}
    )
    assert type(row).objects.filter(pk=row.pk).exists()


def test_the_lists_cost_the_same_for_one_row_and_for_many(staff, session):
    for path in (ACCESS, REFRESH):
        staff.get(path)
        with CaptureQueriesContext(connection) as few:
            staff.get(path)
        for _ in range(12):
            make_session(MembershipFactory(), make_application())
        with CaptureQueriesContext(connection) as many:
            response = staff.get(path)
        assert len(response.context["cl"].result_list) >= 13
        # Session, person; count, rows.
        assert len(few) == len(many) == 4


def _every_admin_path(rows: dict[type, object]) -> list[str]:
    paths = ["/admin/", "/admin/jsi18n/", "/admin/password_change/", "/admin/autocomplete/"]
    for model, model_admin in admin.site._registry.items():
        base = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        key = getattr(rows.get(model), "pk", uuid.uuid4())
        paths += [
            f"/admin/{model._meta.app_label}/",
            reverse(f"{base}_changelist"),
            reverse(f"{base}_add"),
            *(reverse(f"{base}_{page}", args=[key]) for page in ("change", "delete", "history")),
        ]
        assert model_admin.get_urls()
    return paths


def test_a_tenants_owner_gets_nowhere_in_admin(client, mallory, alice, session, grant):
    token, _ = make_token(mallory)
    call = make_call(tenant_id=mallory.tenant_id)
    rows: dict[type, object] = {
        AccessToken: token,
        RefreshToken: session,
        Grant: grant,
        type(call): call,
        type(mallory): mallory,
        type(mallory.user): mallory.user,
        type(mallory.tenant): mallory.tenant,
    }
    paths = _every_admin_path(rows)
    assert {ACCESS, REFRESH, GRANT, "/admin/audit/toolcall/"} <= set(paths)
    client.force_login(mallory.user)
    for path in paths:
        for response in (client.get(path), client.post(path, {"post": "yes"})):
            refused = response.status_code == 403 or (
                response.status_code == 302 and "/login/" in response["location"]
            )
            assert refused, path
    _revoke(client, ACCESS, token, follow=False)
    token.refresh_from_db()
    assert token.revoked_at is None


def test_a_stranger_is_sent_to_log_in(client):
    response = client.get(ACCESS)
    assert response.status_code == 302
    assert re.match(r"/admin/login/\?next=", response["location"])
