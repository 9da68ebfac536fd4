"""Staff see clients, consents and attempts, and end what clients may; never a secret."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from oauth2_provider.models import Application

from cliqtel_portal.accounts.models import Membership, User
from mcp_access.models import AccessToken, Consent, OAuthAttempt, RefreshToken
from mcp_access.oauth.admin import ApplicationAdmin
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.factories.oauth import make_application
from tests.mcp_access.oauth.connected import connect, is_live
from tests.mcp_access.oauth.host import Host

pytestmark = pytest.mark.django_db

CLIENTS = "/admin/oauth2_provider/application/"
CONSENTS = "/admin/mcp_access/consent/"
ATTEMPTS = "/admin/mcp_access/oauthattempt/"


@pytest.fixture
def person(db: None) -> User:
    return UserFactory(is_staff=True, is_superuser=True, email="staff@cliqtel.example")


@pytest.fixture
def staff(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def shown(client: Client, path: str) -> set[Any]:
    response = client.get(path)
    assert response.status_code == 200, path
    return {row.pk for row in response.context["cl"].result_list}


def text_of(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200, path
    return response.content.decode()


def act(client: Client, path: str, action: str, *rows: Any) -> str:
    data = {"action": action, "_selected_action": [str(row.pk) for row in rows]}
    return client.post(path, data, follow=True).content.decode()


def refuse_registration(address: str = "192.0.2.7", **metadata: Any) -> OAuthAttempt:
    """An attempt to register that is refused."""
    body = {"client_name": "Bad app", "redirect_uris": ["http://evil.example/callback"]}
    answer = Client(REMOTE_ADDR=address).post(
        "/oauth/register", body | metadata, content_type="application/json"
    )
    assert answer.status_code == 400
    return OAuthAttempt.objects.latest("id")


def test_the_list_of_clients_tells_whose_they_may_be(staff: Client, alice: Membership) -> None:
    host = Host(Client())
    host.connect(alice)
    host.tokens = host.redeem(host.code()).json()
    client = Application.objects.get()

    page = text_of(staff, CLIENTS)

    for text in (
        host.client_id,
        "Claude",
        "Dynamic Client Registration",
        "https://claude.ai/api/mcp/auth_callback",
        '<td class="field-live_sessions">2</td>',
        f"{client.created:%Y}",
    ):
        assert text in page, text
    assert "name (self-declared)" in page.lower()


def test_no_page_shows_a_secret(staff: Client, alice: Membership) -> None:
    host = Host(Client())
    host.client.force_login(alice.user)
    answer = host.register(token_endpoint_auth_method="client_secret_post")
    code = host.code()
    host.tokens = host.redeem(code).json()
    client, consent = Application.objects.get(), Consent.objects.get()
    assert client.client_secret
    access, refresh = AccessToken.objects.get(), RefreshToken.objects.get()
    secrets = [
        answer["client_secret"],
        client.client_secret,
        client.client_secret[-12:],
        code,
        host.tokens["access_token"],
        host.tokens["refresh_token"],
        access.token_checksum,
        refresh.token_checksum,
        host.verifier,
        host.challenge,
    ]
    paths = [CLIENTS, CONSENTS, ATTEMPTS, f"{CLIENTS}{client.pk}/change/"]
    paths += [f"{CONSENTS}{consent.pk}/change/", f"{CLIENTS}{client.pk}/history/"]
    paths += [f"{ATTEMPTS}{row.pk}/change/" for row in OAuthAttempt.objects.all()]
    for path in paths:
        page = text_of(staff, path)
        assert not [secret for secret in secrets if secret in page], path
        assert "secret" not in page.lower(), path
    assert shown(staff, f"{CLIENTS}?q={client.client_secret[-12:]}") == set()


def test_the_clients_page_is_ours_and_names_no_secret(staff: Client) -> None:
    model_admin = admin.site._registry[Application]
    client = make_application()
    page = text_of(staff, f"{CLIENTS}{client.pk}/change/")
    assert "View on site" not in page, "the library's pages are not routed"

    assert type(model_admin) is ApplicationAdmin
    assert not {"client_secret", "hash_client_secret"} & set(ApplicationAdmin.fields)


def test_clients_are_found_by_name_id_and_redirect_uri(staff: Client) -> None:
    one, two = make_application("Claude"), make_application("Cursor")
    Application.objects.filter(pk=two.pk).update(redirect_uris="https://cursor.example/callback")

    assert shown(staff, f"{CLIENTS}?q=claude") == {one.pk}
    assert shown(staff, f"{CLIENTS}?q={two.client_id}") == {two.pk}
    assert shown(staff, f"{CLIENTS}?q=cursor.example") == {two.pk}
    assert shown(staff, f"{CLIENTS}?q={uuid.uuid4()}") == set()
    assert shown(staff, f"{CLIENTS}?registration_source__exact=manual") == {one.pk, two.pk}
    assert shown(staff, f"{CLIENTS}?registration_source__exact=dcr") == set()


def test_all_sessions_of_selected_clients_are_revoked_and_logged(
    staff: Client, person: User, alice: Membership, mallory: Membership
) -> None:
    chosen = connect(alice, live=2)
    everywhere = connect(mallory, application=chosen.application)
    idle, other = make_application("Idle"), connect(alice, "Cursor")

    page = act(staff, CLIENTS, "revoke_sessions", chosen.application, idle)

    assert "Revoked 3 sessions of 2 clients." in page
    assert [is_live(chosen), is_live(everywhere), is_live(other)] == [False, False, True]
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id) == (person, str(chosen.application_id))
    tokens = AccessToken.objects.filter(application=chosen.application)
    assert {token.revoked_by for token in tokens} == {person}
    again = act(staff, CLIENTS, "revoke_sessions", chosen.application)
    assert "Revoked 0 sessions of 1 client." in again
    assert LogEntry.objects.count() == 1


def test_a_client_whose_sessions_were_revoked_is_refused(staff: Client, alice: Membership) -> None:
    host = Host(Client()).connect(alice)

    act(staff, CLIENTS, "revoke_sessions", Application.objects.get())

    assert host.refresh(host.tokens["refresh_token"]).status_code == 400
    assert host.redeem(host.code()).status_code == 200, "a person may allow it again"


def test_selected_consents_end_with_their_sessions(
    staff: Client, person: User, alice: Membership, bob: Membership
) -> None:
    one, two = connect(alice), connect(alice, "Old", live=0, revoked_at=timezone.now())
    other = connect(bob, application=one.application)

    page = act(staff, CONSENTS, "revoke_selected", one, two)

    assert "Revoked 1 of 2 selected. The others had ended before." in page
    assert [is_live(one), is_live(other)] == [False, True]
    assert LogEntry.objects.get().object_id == str(one.pk)
    assert shown(staff, f"{CONSENTS}?state=revoked") == {one.pk, two.pk}
    assert shown(staff, f"{CONSENTS}?state=allowed") == {other.pk}
    assert shown(staff, f"{CONSENTS}?state=swept") == set()
    assert shown(staff, f"{CONSENTS}?q=bob@") == {other.pk}


def test_every_refused_registration_is_seen_with_its_reason(staff: Client) -> None:
    refused = [
        refuse_registration(),
        refuse_registration(redirect_uris=["https://ok.example/cb", "https://a@evil.example/"]),
        refuse_registration(client_name=7, redirect_uris=["https://ok.example/cb"]),
        refuse_registration(grant_types=["password"], redirect_uris=["https://ok.example/cb"]),
    ]

    page = text_of(staff, f"{ATTEMPTS}?step__exact=register&ok__exact=0")

    assert shown(staff, f"{ATTEMPTS}?ok__exact=0") == {attempt.pk for attempt in refused}
    assert page.count("192.0.2.7") == 4
    assert "Bad app" in page
    for reason, count in (("invalid_redirect_uri", 2), ("invalid_client_metadata", 2)):
        assert len(shown(staff, f"{ATTEMPTS}?reason={reason}")) == count
        assert f"?reason={reason}" in text_of(staff, ATTEMPTS).replace("&amp;", "&")
    detail = text_of(staff, f"{ATTEMPTS}{refused[0].pk}/change/")
    assert "http is for loopback only" in detail


def test_attempts_are_filtered_and_found(staff: Client, alice: Membership) -> None:
    host = Host(Client()).connect(alice)
    refused = refuse_registration("198.51.100.9", client_name="Needle")
    every = set(OAuthAttempt.objects.values_list("pk", flat=True))

    assert shown(staff, ATTEMPTS) == every
    assert shown(staff, f"{ATTEMPTS}?q=needle") == {refused.pk}
    assert shown(staff, f"{ATTEMPTS}?q=198.51.100.9") == {refused.pk}
    assert shown(staff, f"{ATTEMPTS}?q={host.client_id}") == every - {refused.pk}
    assert shown(staff, f"{ATTEMPTS}?ok__exact=1") == every - {refused.pk}
    consented = shown(staff, f"{ATTEMPTS}?step__exact=consent")
    assert consented == shown(staff, f"{ATTEMPTS}?q=alice@&step__exact=consent")
    assert len(consented) == 1


@pytest.mark.parametrize("path", [CLIENTS, CONSENTS, ATTEMPTS])
def test_not_even_a_superuser_adds_changes_or_deletes(
    staff: Client, alice: Membership, path: str
) -> None:
    consent = connect(alice)
    refuse_registration()
    rows = {CLIENTS: consent.application, CONSENTS: consent, ATTEMPTS: OAuthAttempt.objects.get()}
    row = rows[path]
    assert staff.get(f"{path}add/").status_code == 403
    assert staff.post(f"{path}{row.pk}/change/", {"name": "x"}).status_code == 403
    assert staff.post(f"{path}{row.pk}/delete/", {"post": "yes"}).status_code == 403
    staff.post(path, {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"})
    assert type(row).objects.filter(pk=row.pk).exists()


def test_staff_who_may_only_view_can_not_revoke(alice: Membership) -> None:
    viewer = UserFactory(is_staff=True)
    codenames = ["view_application", "view_consent"]
    viewer.user_permissions.add(*Permission.objects.filter(codename__in=codenames))
    client = Client()
    client.force_login(viewer)
    consent = connect(alice)
    assert shown(client, CLIENTS) == {consent.application_id}
    assert "revoke_sessions" not in text_of(client, CLIENTS)
    act(client, CLIENTS, "revoke_sessions", consent.application)
    act(client, CONSENTS, "revoke_selected", consent)
    assert is_live(consent)
    assert client.get(ATTEMPTS).status_code == 403


def test_who_is_no_staff_sees_nothing(alice: Membership) -> None:
    consent = connect(alice)
    attempt = refuse_registration()
    owner = Client()
    owner.force_login(alice.user)
    for path, row in ((CLIENTS, consent.application), (CONSENTS, consent), (ATTEMPTS, attempt)):
        for client in (owner, Client()):
            for page in (path, f"{path}{row.pk}/change/", f"{path}{row.pk}/history/"):
                answer = client.get(page)
                assert answer.status_code in {302, 403}, page
                assert b"Claude" not in answer.content
    act(owner, CLIENTS, "revoke_sessions", consent.application)
    act(owner, CONSENTS, "revoke_selected", consent)
    assert is_live(consent)


def test_the_lists_cost_the_same_for_one_row_and_for_many(staff: Client, alice: Membership) -> None:
    connect(alice)
    refuse_registration()
    costs = {}
    for path in (CLIENTS, CONSENTS, ATTEMPTS):
        staff.get(path)
        with CaptureQueriesContext(connection) as few:
            staff.get(path)
        costs[path] = len(few)
    for number in range(12):
        connect(MembershipFactory(), f"App {number}")
        refuse_registration()
    for path, cost in costs.items():
        with CaptureQueriesContext(connection) as many:
            assert len(shown(staff, path)) == 13
        assert len(many) == cost <= 5, path
